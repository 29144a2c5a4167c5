"""The asynchronous client: the operations of the synchronous one, awaited."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack, overload

import httpx

from clients.attacked import Attacked
from clients.comparison import ComparisonReport
from clients.connection import Connection
from clients.drivers import AsyncDriver
from clients.gated import Gated
from clients.gating import Subject, gate
from clients.groups import GroupsReport
from clients.hardened import Hardened
from clients.hardening import harden
from clients.jobs import EVALUATIONS, TRAININGS, Evaluated, Groups, groups_of, id_of, ids_of
from clients.landscape import LandscapeReport
from clients.operations import Environment, Operations
from clients.progress import Progress
from clients.report import Report
from clients.requests import AttackFields, Card, ExtensionFields, LandscapeFields, SpecFields, TrainingFields, described
from clients.retries import RetryPolicy
from clients.trained import TrainedReport
from clients.watched import Evaluation, Training
from saddlepoint.schemas.attacks import AttackDescription
from saddlepoint.schemas.gates import Thresholds
from saddlepoint.schemas.leaderboard import Board
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.trainings import DefenseDescription
from saddlepoint.schemas.webhooks import Webhook


class AsyncAttackClient:
    """A Saddlepoint service, called and waited for.

    Every failure is a class of `saddlepoint.errors`: what the service answers as a problem, `Unavailable` when it
    cannot be reached, `JobFailed` or `Canceled` when a job ended so.

    A `webhook` is an https URL that the service tells of the end of every job that the call begins, also where nobody
    waits for it; `verify_webhook` is the receiver's side. Raises InvalidWebhook where it leads elsewhere than there.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        retries: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`url` and `api_key` default to SADDLEPOINT_URL and SADDLEPOINT_API_KEY, then to the local service."""
        self._driver = AsyncDriver(Connection.of(url, api_key), transport)
        self._operations = Operations(retries or RetryPolicy())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._driver.close()

    async def robustness_report(
        self,
        policy: str | Path,
        *,
        env: Environment,
        card: Card | None = None,
        vecnormalize: str | Path | None = None,
        progress: Progress = True,
        webhook: str | None = None,
        **spec: Unpack[SpecFields],
    ) -> Report:
        """Evaluate a policy (a file, or the id of one) and return its report.

        `vecnormalize` is the file that SB3's VecNormalize.save wrote, if the policy was trained on its observations.
        An interrupt leaves the evaluation running and says how to come back to it.
        """
        return await self._driver.run(
            self._operations.telling(webhook).robustness_report(
                policy, env, described(policy, card, vecnormalize), progress, spec
            )
        )

    async def upload(
        self, path: str | Path, card: Card | None = None, vecnormalize: str | Path | None = None
    ) -> PolicyCard:
        """Send a policy file; its card says what was found in it."""
        return await self._driver.run(self._operations.upload(path, described(path, card, vecnormalize)))

    async def evaluate(
        self,
        policy: str | Path,
        *,
        env: Environment,
        card: Card | None = None,
        vecnormalize: str | Path | None = None,
        webhook: str | None = None,
        **spec: Unpack[SpecFields],
    ) -> Evaluation:
        """Start an evaluation of a policy (a file, or the id of one); `wait` for it, or come back later."""
        return await self._driver.run(
            self._operations.telling(webhook).evaluate(policy, env, described(policy, card, vecnormalize), spec)
        )

    async def extend(
        self, evaluation: Evaluation | str, *, webhook: str | None = None, **more: Unpack[ExtensionFields]
    ) -> Evaluation:
        """Start a larger evaluation beside one that is there: only the episodes that it adds are played."""
        return await self._driver.run(self._operations.telling(webhook).extend(id_of(evaluation), more))

    async def attack(
        self,
        policy: str | Path,
        observations: str | Path | bytes,
        *,
        kind: str = "ce",
        epsilon: float,
        card: Card | None = None,
        vecnormalize: str | Path | None = None,
        webhook: str | None = None,
        **spec: Unpack[AttackFields],
    ) -> Attacked:
        """Attack observations (an .npy file or its bytes, (N, *observation)) of a policy (a file, or the id of one).

        Epsilon is in their units; `low` and `high` bound them, 0 and 255 where they are uint8.
        """
        fields = {"kind": kind, "epsilon": epsilon, **spec}
        return await self._driver.run(
            self._operations.telling(webhook).attack(
                policy, observations, described(policy, card, vecnormalize), fields
            )
        )

    async def landscape(
        self,
        policies: str | Path | Sequence[str | Path],
        *,
        env: Environment,
        progress: Progress = True,
        webhook: str | None = None,
        **spec: Unpack[LandscapeFields],
    ) -> LandscapeReport:
        """How far apart perturbed policies are around states of their own play: the KL landscape of the ATPA paper.

        Several policies (files, or ids) come into one picture.
        """
        several = [policies] if isinstance(policies, str | Path) else policies
        return await self._driver.run(self._operations.telling(webhook).landscape(several, env, progress, spec))

    async def train(
        self,
        policy: str | Path | None = None,
        *,
        env: Environment,
        card: Card | None = None,
        vecnormalize: str | Path | None = None,
        webhook: str | None = None,
        **wanted: Unpack[TrainingFields],
    ) -> Training:
        """Start a training, of a policy (a file, or the id of one) or of a new one; it ends in a published policy."""
        hints = card if policy is None else described(policy, card, vecnormalize)
        return await self._driver.run(self._operations.telling(webhook).train(env, policy, hints, wanted))

    async def harden(
        self,
        policy: str | Path,
        *,
        env: Environment,
        method: str = "atpa",
        config: Mapping[str, Any] | None = None,
        seed: int = 0,
        name: str | None = None,
        card: Card | None = None,
        vecnormalize: str | Path | None = None,
        progress: Progress = True,
        webhook: str | None = None,
        **spec: Unpack[SpecFields],
    ) -> Hardened:
        """Evaluate a policy (a file, or the id of one), train it against attack, evaluate what came of it, compare.

        `spec` is how both are evaluated; the training's epsilon is the largest of its epsilons unless `config` has
        one. An interrupt leaves all of it running, and the same call comes back to it.
        """
        wanted: TrainingFields = {"method": method, "config": config or {}, "seed": seed}
        if name is not None:
            wanted["name"] = name
        hints = described(policy, card, vecnormalize)
        return await self._driver.run(
            harden(self._operations.telling(webhook), policy, env, hints, progress, wanted, spec)
        )

    @overload
    async def compare(
        self,
        baseline: Evaluated | Sequence[Evaluated],
        candidate: Evaluated | Sequence[Evaluated],
        *,
        webhook: str | None = None,
    ) -> ComparisonReport: ...
    @overload
    async def compare(self, *, groups: Groups, webhook: str | None = None) -> GroupsReport: ...
    async def compare(
        self,
        baseline: Evaluated | Sequence[Evaluated] = (),
        candidate: Evaluated | Sequence[Evaluated] = (),
        *,
        groups: Groups | None = None,
        webhook: str | None = None,
    ) -> ComparisonReport | GroupsReport:
        """What a candidate gains over a baseline, or several methods by name over the first of them.

        They are evaluations (or their reports, or ids) of one specification; a list is the training runs of one
        method. Raises NotComparable, naming the field that differs.
        """
        if groups is not None:
            return await self._driver.run(self._operations.telling(webhook).compare_groups(groups_of(groups)))
        return await self._driver.run(self._operations.telling(webhook).compare(ids_of(baseline), ids_of(candidate)))

    async def gate(
        self,
        subject: Subject,
        *,
        env: Environment | None = None,
        min_normalized: float | None = None,
        min_mean: float | None = None,
        max_drop: float | None = None,
        baseline: Evaluated | None = None,
        card: Card | None = None,
        vecnormalize: str | Path | None = None,
        progress: Progress = True,
        webhook: str | None = None,
        **spec: Unpack[SpecFields],
    ) -> Gated:
        """Whether a policy is robust enough, by the bad end of the 95% intervals and only by attacks that worked.

        With `env`, `subject` is a policy (a file, or the id of one) and is evaluated first; without, an evaluation, by
        itself, its report or its id. `baseline` is an evaluation of the same specification, than which it may not be
        worse under any attack. Raises InvalidSpec where nothing is asked.
        """
        asked = Thresholds(min_normalized=min_normalized, min_mean=min_mean, max_drop=max_drop)
        hints = described(subject, card, vecnormalize) if isinstance(subject, str | Path) else card
        flow = gate(self._operations.telling(webhook), subject, env, hints, progress, asked, baseline, spec)
        return await self._driver.run(flow)

    @overload
    async def wait(
        self, job: Evaluation | str, *, progress: Progress = True, timeout_s: float | None = None
    ) -> Evaluation: ...
    @overload
    async def wait(self, job: Training, *, progress: Progress = True, timeout_s: float | None = None) -> Training: ...
    async def wait(
        self, job: Evaluation | Training | str, *, progress: Progress = True, timeout_s: float | None = None
    ) -> Evaluation | Training:
        """The job (an evaluation by id too) once it succeeded. Raises JobFailed, Canceled, WaitTimedOut."""
        if isinstance(job, Training):
            return await self._driver.run(self._operations.wait(TRAININGS, job.id, progress, timeout_s))
        return await self._driver.run(self._operations.wait(EVALUATIONS, id_of(job), progress, timeout_s))

    async def evaluation(self, evaluation_id: str) -> Evaluation:
        return await self._driver.run(self._operations.job(EVALUATIONS, evaluation_id))

    async def training(self, training_id: str) -> Training:
        return await self._driver.run(self._operations.job(TRAININGS, training_id))

    async def cancel(self, evaluation: Evaluation | str) -> Evaluation:
        """Cancel an evaluation; twice is fine. Raises AlreadyEnded."""
        return await self._driver.run(self._operations.cancel(EVALUATIONS, id_of(evaluation)))

    async def cancel_training(self, training: Training | str) -> Training:
        """Cancel a training; twice is fine. Raises AlreadyEnded."""
        return await self._driver.run(self._operations.cancel(TRAININGS, id_of(training)))

    async def report(self, evaluation: Evaluation | str) -> Report:
        """The report of an evaluation that succeeded. Raises ReportNotReady."""
        return await self._driver.run(self._operations.report(id_of(evaluation)))

    async def training_report(self, training: Training | str) -> TrainedReport:
        """How a training learned, what came of it and what that gained. Raises ReportNotReady before it succeeded."""
        return await self._driver.run(self._operations.training_report(id_of(training)))

    async def webhook(self, job: Evaluation | Training, url: str) -> Webhook:
        """How telling `url` of a job's end goes or went, with every attempt. Raises NotFound."""
        return await self._driver.run(self._operations.webhook(job, url))

    async def webhook_secret(self) -> str:
        """What webhooks to you are signed with, for `verify_webhook`; takes a key with the scope admin."""
        return await self._driver.run(self._operations.webhook_secret())

    async def model(self, policy_id: str) -> bytes:
        """A policy of yours as ONNX."""
        return await self._driver.run(self._operations.model(policy_id))

    async def evaluations(self, limit: int | None = 100) -> list[Evaluation]:
        """Your evaluations, newest first."""
        return await self._driver.run(self._operations.items("/v1/evaluations", Evaluation, limit))

    async def leaderboard(self, env: str | None = None, *, top: int = 10) -> list[Board]:
        """The `top` (at most 50) most robust policies of each board: what one specification evaluated, best first.

        They are ordered by the lower bound of the worst case found; only boards of `env` where it is given.
        """
        return await self._driver.run(self._operations.leaderboard(env, top))

    async def policies(self, limit: int | None = 100) -> list[PolicyCard]:
        """Your policies, newest first."""
        return await self._driver.run(self._operations.items("/v1/policies", PolicyCard, limit))

    async def trainings(self, limit: int | None = 100) -> list[Training]:
        """Your trainings, newest first."""
        return await self._driver.run(self._operations.items("/v1/trainings", Training, limit))

    async def attacks(self) -> list[AttackDescription]:
        return await self._driver.run(self._operations.items("/v1/attacks", AttackDescription))

    async def defenses(self) -> list[DefenseDescription]:
        return await self._driver.run(self._operations.items("/v1/defenses", DefenseDescription))

    async def environments(self) -> list[dict[str, Any]]:
        """The environments that can be evaluated without being loaded first, one mapping each with its `id`."""
        return await self._driver.run(self._operations.items("/v1/environments", dict[str, Any]))
