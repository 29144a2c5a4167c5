"""Supervised processes: restarted when they die, ended in order, never left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from clients.children import Backoff, ChildSpec
from clients.supervisor import Supervisor
from tests.clients.dummies import DEAF, PARENT, SLEEPER, dummy, is_running, until, writer

QUICK = Backoff(first_s=0.05, longest_s=0.2, calm_s=60.0)


@contextmanager
def _supervised(logs: Path, *specs: ChildSpec, said: list[str] | None = None) -> Iterator[Supervisor]:
    heard = [] if said is None else said
    with Supervisor(specs, logs, say=heard.append, backoff=QUICK) as supervisor:
        supervisor.start()
        yield supervisor


def test_what_is_killed_runs_again(tmp_path: Path) -> None:
    said: list[str] = []
    with _supervised(tmp_path, dummy("sleeper", SLEEPER), said=said) as supervisor:
        (child,) = supervisor.children
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)

        def runs_again() -> bool:
            supervisor.tend()
            return child.is_alive and child.pid != first

        assert until(runs_again)
        assert said == [f"sleeper ended with status -9 and is started again; see {tmp_path / 'sleeper.log'}"]


def test_pauses_grow_with_every_death_in_a_row(tmp_path: Path) -> None:
    with _supervised(tmp_path, dummy("fails", "raise SystemExit(3)")) as supervisor:
        (child,) = supervisor.children

        def died_often() -> bool:
            supervisor.tend()
            return child.deaths >= 3

        assert until(died_often)
    assert [Backoff(first_s=1.0, longest_s=5.0).pause_s(deaths) for deaths in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 5.0]


def test_output_goes_to_a_log_each(tmp_path: Path) -> None:
    with _supervised(tmp_path, dummy("one", "print('first')"), dummy("two", "print('second')")) as supervisor:
        assert until(lambda: [child.tail() for child in supervisor.children] == ["first", "second"])


def test_stages_end_in_the_opposite_order(tmp_path: Path) -> None:
    order = tmp_path / "order"
    specs = [writer(name, order, stage=stage) for stage, name in enumerate(("base", "middle", "top"))]
    with _supervised(tmp_path, *specs) as supervisor:
        assert until(lambda: all(child.tail() == "ready" for child in supervisor.children))
    assert order.read_text().split() == ["top", "middle", "base"]


def test_what_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    with _supervised(tmp_path, dummy("deaf", DEAF, grace_s=0.2)) as supervisor:
        (child,) = supervisor.children
        assert until(lambda: child.tail() == "deaf")
        pid = child.pid
    assert pid is not None
    assert not is_running(pid)


def test_descendants_in_sessions_of_their_own_are_ended_too(tmp_path: Path) -> None:
    with _supervised(tmp_path, dummy("parent", PARENT)) as supervisor:
        (child,) = supervisor.children
        assert until(lambda: child.tail().isdigit())
        grandchild = int(child.tail())
        assert is_running(grandchild)
    assert not is_running(grandchild)


def test_kill_9_of_the_supervisor_leaves_no_child(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from clients.supervisor import Supervisor
from tests.clients.dummies import SLEEPER, dummy
supervisor = Supervisor([dummy("a", SLEEPER), dummy("b", SLEEPER)], Path({str(tmp_path)!r}), say=sys.stderr.write)
supervisor.start()
print(*[child.pid for child in supervisor.children], flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == 2
        assert all(psutil.pid_exists(pid) for pid in pids)
        process.kill()
    assert until(lambda: not any(is_running(pid) for pid in pids))
