"""The processes: what they load, and how they begin and end."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from saddlepoint.queue import EVALUATE, JobQueue, RobustQueue
from saddlepoint.rq_worker import RobustWorker, run_worker
from saddlepoint.schemas import keys
from saddlepoint.settings import Settings
from saddlepoint.submission import submit_evaluation
from tests.processes import REPOSITORY, wait_until
from tests.worker.world import make_record, plan_of
from worker import reconciler
from worker.__main__ import main
from worker.context import Context
from worker.reconciling.evaluations import Evaluations

LOAD = """
import sys
import worker.reconciler
sys.exit(bool({"torch", "numpy", "onnx", "onnxruntime", "gymnasium"} & set(sys.modules)))
"""
FORK = """
import os, sys
from worker.__main__ import load_engine
load_engine()
child = os.fork()
if child == 0:
    import torch
    torch.set_num_threads(2)
    layer = torch.nn.Linear(512, 512)
    layer(torch.randn(512, 512)).sum().backward()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run(code: str) -> int:
    return subprocess.run([sys.executable, "-c", code], check=False, timeout=200).returncode


def test_the_reconciler_loads_no_engine() -> None:
    assert run(LOAD) == 0


def test_a_child_of_a_loaded_worker_computes_on_threads_of_its_own() -> None:
    assert run(FORK) == 0


def test_a_worker_has_one_queue_that_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--queue", "train"], ["--queue", "evaluate", "--queue"]):
        with pytest.raises(SystemExit):
            main(arguments)
    assert "choose from" in capsys.readouterr().err


def settings_of(tmp_path: Path, redis_url: str) -> Settings:
    return Settings(store_url=str(tmp_path / "store"), redis_url=redis_url, reconcile_interval_s=0.05)


def run_until(condition: Callable[[], object], settings: Settings) -> None:
    """Run a reconciler until a condition holds, which is looked at beside it."""
    stop = threading.Event()

    def watch() -> None:
        try:
            wait_until(condition, within_s=60, what="what the reconciler is to do")
        finally:
            stop.set()

    with ThreadPoolExecutor(1) as pool:
        watched = pool.submit(watch)
        reconciler.run(settings, stop)
        watched.result()


def test_the_reconciler_passes_at_once(context: Context, tmp_path: Path, redis_url: str) -> None:
    record = make_record()
    submit_evaluation(context.store, context.queue, record, plan_of(record))
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    settings = settings_of(tmp_path, redis_url).model_copy(update={"reconcile_interval_s": 600.0})
    run_until(lambda: len(context.queue.active(EVALUATE)) == 3, settings)


def test_only_the_holder_of_the_lease_passes(
    context: Context, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.store.put(keys.active_evaluation("ended"), b"")
    context.store.put(keys.evaluation_cancel("ended"), b"")
    assert context.queue.hold_lease("reconciler", "somebody else", 600)
    answers: list[bool] = []
    hold_lease = JobQueue.hold_lease

    def ask(self: JobQueue, name: str, holder: str, ttl_s: float) -> bool:
        answers.append(hold_lease(self, name, holder, ttl_s))
        return answers[-1]

    monkeypatch.setattr(JobQueue, "hold_lease", ask)
    run_until(lambda: len(answers) >= 3, settings_of(tmp_path, redis_url))
    assert not any(answers)
    assert context.store.exists(keys.active_evaluation("ended"))


def test_a_long_pass_shows_its_pulse_and_ends_when_it_is_told_to(
    context: Context, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        context.store.put(keys.active_evaluation(name), b"")
    pulse, stop = tmp_path / "pulse", threading.Event()
    beaten: dict[str, bool] = {}

    def bring_on(evaluations: Evaluations, name: str, active: frozenset[str]) -> None:
        beaten[name] = pulse.stat().st_mtime > 0
        os.utime(pulse, (0, 0))
        if name == "b":
            stop.set()

    monkeypatch.setattr(Evaluations, "bring_on", bring_on)
    reconciler.run(settings_of(tmp_path, redis_url).model_copy(update={"pulse_file": pulse}), stop)
    assert beaten == {"a": True, "b": True}


def test_the_reconciler_outlives_an_absence_of_redis(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_of(tmp_path, f"unix://{tmp_path}/nobody")
    run_until(lambda: caplog.text.count("no pass") >= 2, settings)


def test_a_stop_that_comes_after_the_job_ended_is_no_error(redis_url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    with redis.Redis.from_url(redis_url) as connection:
        worker = RobustWorker([RobustQueue("tests", connection=connection)], connection=connection)
        worker._horse_pid = ended.pid
        worker.handle_warm_shutdown_request()


FINALISER = """
import os, signal, sys, time
from saddlepoint import rq_worker

class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

signal.signal(signal.SIGTERM, rq_worker._interrupt)
sys.unraisablehook = rq_worker._interrupt_again
try:
    Last()
    time.sleep(60)
except rq_worker.Interrupted:
    print("interrupted")
"""


def test_a_request_to_stop_that_python_drops_in_a_finaliser_is_made_again() -> None:
    done = subprocess.run([sys.executable, "-c", FINALISER], capture_output=True, text=True, timeout=50, cwd=REPOSITORY)
    assert done.stdout == "interrupted\n"


def test_the_reconciler_shows_that_it_goes_round(tmp_path: Path, redis_url: str) -> None:
    pulse = tmp_path / "pulse"
    run_until(pulse.exists, settings_of(tmp_path, redis_url).model_copy(update={"pulse_file": pulse}))


def test_a_worker_shows_that_it_goes_round(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = tmp_path / "pulse"
    work = RobustWorker.work
    monkeypatch.setattr(RobustWorker, "work", lambda self, **options: work(self, burst=True, **options))
    run_worker(EVALUATE, settings_of(tmp_path, redis_url).model_copy(update={"pulse_file": pulse}))
    assert pulse.exists()
