"""The spaces of an environment: Atari's from the checked-in table, others' from a worker that has loaded them."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from saddlepoint.errors import Unavailable
from saddlepoint.queue import DESCRIBE, JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec, describe_atari
from saddlepoint.schemas.findings import EnvironmentFinding
from saddlepoint.schemas.problems import error_of
from saddlepoint.store import Store, find_record
from service.polling import wait_for

_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Environments:
    """What is known of environments; `wait_s` is how long a worker may take to look at a new one."""

    store: Store
    queue: JobQueue
    wait_s: float

    async def describe(self, env: EnvironmentSpec) -> EnvironmentDescription:
        """Raises UnknownEnvironment and UnsupportedEnvironment, and Unavailable where no worker answers in time."""
        if env.is_atari:
            return describe_atari(env)
        finding = await run_in_threadpool(self._find, env)
        if finding is None:
            await run_in_threadpool(
                self.queue.enqueue, DESCRIBE, env.resolved().model_dump_json(), timeout_s=_TIMEOUT_S
            )
            finding = await wait_for(lambda: self._find(env), self.wait_s)
        if finding is not None and finding.problem is not None:
            raise error_of(finding.problem)
        if finding is None or finding.description is None:
            raise Unavailable(
                f"No worker has looked at {env.id} within {self.wait_s:g} s; nothing was kept. Send the request again."
            )
        return finding.description

    def _find(self, env: EnvironmentSpec) -> EnvironmentFinding | None:
        return find_record(self.store, keys.environment(env.key()), EnvironmentFinding)
