"""Two hosts of workers, one of the queue and one of the storage: whichever is cut off for a while, the report is the
one that it would have been."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import redis

from clients.premises import valkey_command
from saddlepoint.policies.importing import ImportedPolicy
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import REFERENCE_EPISODES
from saddlepoint.settings import Settings
from saddlepoint.store import open_store
from tests.faults.stack import ID, Stack, import_cartpole, submit, undisturbed_report
from tests.many.bucket import URL, environment, running_bucket
from tests.many.network import Cut, Network, running_network
from tests.processes import REPOSITORY, kill_all, wait_until
from worker.context import Context

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HOSTS = ("queue", "storage", "one", "two")
REDIS_PORT, STORAGE_PORT = 6379, 9000
AWAY_S = 20.0
EPISODES = 240 + REFERENCE_EPISODES
WORKER = ("tests.faults.worker_process", "evaluate")


@dataclass
class Hosts:
    """The processes of the hosts. What ends is started again, as a supervisor of that host would."""

    network: Network
    stack: Stack
    environment: dict[str, str]
    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, host: str, *command: str) -> None:
        self.commands[host] = command
        self.processes[host] = subprocess.Popen(
            [*self.network.inside(host), sys.executable, "-m", *command],
            cwd=REPOSITORY,
            env=os.environ | self.environment,
            start_new_session=True,
        )

    def tend(self) -> None:
        for host, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(host, *self.commands[host])

    def plays(self, host: str) -> bool:
        """Whether a worker of the host does a job: it has forked a process for it."""
        with suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(self.processes[host].pid).children())
        return False

    def stop(self) -> None:
        for process in self.processes.values():
            kill_all(process)

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tend()
            time.sleep(0.1)

    def wait_for_the_end(self) -> None:
        def has_ended() -> bool:
            self.tend()
            return self.stack.evaluation_has_ended()

        wait_until(has_ended, within_s=240, what="the end of the evaluation")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> ImportedPolicy:
    return import_cartpole(tmp_path_factory.mktemp("policy"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, policy: ImportedPolicy, valkey_url: str) -> object:
    return undisturbed_report(tmp_path_factory.mktemp("undisturbed"), valkey_url, policy)


@pytest.fixture
def hosts(tmp_path: Path, policy: ImportedPolicy) -> Iterator[Hosts]:
    with ExitStack() as cleanup:
        network = cleanup.enter_context(running_network(*HOSTS))
        storage = running_bucket(network.address("storage"), STORAGE_PORT, network.inside("storage"))
        variables = cleanup.enter_context(storage)
        cleanup.enter_context(environment(variables))
        redis_url = cleanup.enter_context(running_queue(network, tmp_path))
        settings = Settings(store_url=URL, redis_url=redis_url, precision="fp32", reconcile_interval_s=1)
        context = Context(open_store(URL), JobQueue.open(redis_url), settings)
        running = Hosts(network, Stack(context), environment_for(settings))
        cleanup.callback(running.stop)
        submit(context, policy)
        running.start("queue", "worker.reconciler")
        for host in ("one", "two"):
            running.start(host, *WORKER)
        yield running


@contextmanager
def running_queue(network: Network, folder: Path) -> Iterator[str]:
    """The URL of a Valkey on the host `queue`."""
    command = (
        *network.inside("queue"),
        *valkey_command(folder / "valkey", folder / "s"),
        *("--unixsocket", "", "--port", str(REDIS_PORT), "--protected-mode", "no"),
    )
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    url = f"redis://{network.address('queue')}:{REDIS_PORT}/0"
    try:
        wait_until(lambda: _answers(url), within_s=20, what="the start of Valkey")
        yield url
    finally:
        kill_all(server)


def environment_for(settings: Settings) -> dict[str, str]:
    return {
        "SADDLEPOINT_STORE_URL": settings.store_url,
        "SADDLEPOINT_REDIS_URL": settings.redis_url,
        "SADDLEPOINT_RECONCILE_INTERVAL_S": str(settings.reconcile_interval_s),
        "SADDLEPOINT_PRECISION": "fp32",
        "OMP_NUM_THREADS": "1",
    }


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client, suppress(redis.ConnectionError):
        return bool(client.ping())
    return False


@pytest.mark.parametrize("cut", [Network.unplugged, Network.deafened])
@pytest.mark.parametrize("host", ["one", "storage", "queue"])
def test_a_host_that_is_cut_off_and_comes_back_changes_nothing(
    hosts: Hosts, expected: object, host: str, cut: Cut
) -> None:
    wait_until(lambda: hosts.plays("one"), within_s=120, what="a shard under way")
    assert not hosts.stack.evaluation_has_ended()
    with cut(hosts.network, host):
        hosts.wait(AWAY_S)
    hosts.wait_for_the_end()
    hosts.wait(3)  # for what the host that was away still had to put
    store = hosts.stack.context.store
    assert hosts.stack.evaluation().status == "succeeded"
    assert hosts.stack.report() == expected
    assert list(store.list("nondeterministic/")) == []
    assert list(store.list(keys.ACTIVE_EVALUATIONS)) == []
    assert len(list(store.list("episodes/"))) == EPISODES
    assert store.exists(keys.evaluation_report(ID, "json"))
