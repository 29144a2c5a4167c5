"""A queue in memory, and workers that do their tasks the moment they are queued."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from saddlepoint.errors import MalformedPolicy, SaddlepointError, Unavailable, UnknownEnvironment
from saddlepoint.findings import put_description, put_problem
from saddlepoint.queue import (
    DESCRIBE,
    FINISH,
    SHARD,
    TALLIES,
    TRAIN,
    VALIDATE,
    Activity,
    Census,
    Count,
    JobQueue,
    LiveProgress,
    Phase,
    Task,
    Totals,
)
from saddlepoint.queue.activity import QUEUES, QueueActivity
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
)
from saddlepoint.schemas.policies import InputDescription, OutputDescription, PolicyCard, UploadRequest, Verdict
from saddlepoint.schemas.problems import problem_of
from saddlepoint.store import Store, get_record, put_record

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MODEL = b"the canonical model"


class MemoryQueue(JobQueue):
    """Remembers what was queued; `away` is a Redis that does not answer."""

    def __init__(self, run: Callable[[Task, tuple[str, ...]], None]) -> None:
        self.queued: list[tuple[Task, tuple[str, ...]]] = []
        self.live: dict[str, LiveProgress] = {}
        self.counted: list[Count] = []
        self.asked = 0
        self.away = False
        self.now_open: Census | None = None
        self.now_active = Activity(tuple(QueueActivity(name, 0, 0, None) for name in QUEUES), ())
        self.run = run

    def ping(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("The queue cannot be reached right now; try again.")

    def enqueue(self, task: Task, *arguments: str, timeout_s: float, first: bool = False) -> None:
        self.ping()
        self.queued.append((task, arguments))
        self.run(task, arguments)

    def progress(self, subject: str) -> LiveProgress:
        self.ping()
        return self.live.get(subject, LiveProgress())

    def activity(self) -> Activity:
        self.ping()
        return self.now_active

    def census(self) -> Census | None:
        self.ping()
        return self.now_open

    def tally(self, *counts: Count) -> None:
        self.counted += counts

    def totals(self) -> Totals:
        self.ping()
        return {name: {} for name in TALLIES}

    def forget(self, subject: str) -> None:
        self.ping()
        self.live.pop(subject, None)

    def set_live(self, subject: str, phase: Phase, episodes: int = 0, steps: int = 0) -> None:
        """What workers would have said."""
        self.live[subject] = LiveProgress(phase, episodes, steps)

    def count(self, task: Task) -> int:
        """How often a task was queued."""
        return sum(queued == task for queued, _ in self.queued)


@dataclass
class Workers:
    """What validators would say: `problem` of every upload if set, nothing at all while `silent`."""

    store: Store
    problem: SaddlepointError | None = None
    silent: bool = False
    shape: tuple[int, ...] = (4, 84, 84)
    actions: int = 18
    head: Literal["logits", "q_values"] = "logits"
    validated: list[str] = field(default_factory=list)

    def run(self, task: Task, arguments: tuple[str, ...]) -> None:
        """Do a task now."""
        if self.silent or task in (SHARD, FINISH, TRAIN):
            return
        if task == VALIDATE:
            self.validate(arguments[0])
        if task == DESCRIBE:
            self._describe(EnvironmentSpec.model_validate_json(arguments[0]))

    def validate(self, upload_id: str) -> None:
        request = get_record(self.store, keys.upload_request(upload_id), UploadRequest)
        self.validated.append(request.policy_id)
        # Large files come from tests that measure this process.
        data = self.store.get(keys.upload_file(upload_id)) if request.size < 2**20 else b""
        assert not data or request.sha256 == hashlib.sha256(data).hexdigest()
        problem = self.problem
        if data.startswith(b"damaged"):
            problem = MalformedPolicy("The file is damaged; send it again.")
        if problem is not None:
            put_record(self.store, keys.upload_verdict(upload_id), Verdict(problem=problem_of(problem)))
            return
        put_policy(self.store, self.card(request), request.owner)
        put_record(self.store, keys.upload_verdict(upload_id), Verdict(policy_id=request.policy_id))

    def card(self, request: UploadRequest) -> PolicyCard:
        return PolicyCard(
            id=request.policy_id,
            name=request.hints.name,
            created_at=request.created_at,
            format="onnx",
            architecture="nature-cnn",
            head=self.head,
            observation=InputDescription(shape=self.shape),
            outputs=[OutputDescription(name=self.head, shape=(self.actions,))],
            actions=self.actions,
            parameters=1,
            sha256=request.sha256,
            canonical_sha256=hashlib.sha256(MODEL).hexdigest(),
            size=request.size,
            max_disagreement=0.0,
            hints=request.hints,
        )

    def _describe(self, env: EnvironmentSpec) -> None:
        if env.id.startswith("No"):
            put_problem(self.store, env, UnknownEnvironment(f"There is no {env.id}; see the list."))
            return
        space = BoxSpace(shape=(4,), dtype="float32", low=None, high=None)
        action = ContinuousSpace(n=3, shape=(3,), low=-1, high=1) if env.id == "Hopper-v5" else DiscreteSpace(n=2)
        put_description(self.store, env, EnvironmentDescription(env=env, observation=space, action=action))


def put_policy(store: Store, card: PolicyCard, owner: str = "default") -> None:
    """Publish a policy as the validator does: the card last."""
    store.put(keys.policy_model(card.id), MODEL)
    store.put(keys.policy_index(owner, card.created_at, card.id), b"")
    put_record(store, keys.policy_card(card.id), card)
