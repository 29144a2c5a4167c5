"""The spaces of an environment: Atari's from the checked-in table, others' from a worker that has loaded them."""

import json
from contextlib import suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from saddlepoint.errors import SaddlepointError, Unavailable
from saddlepoint.findings import find_environment
from saddlepoint.queue import DESCRIBE, JobQueue
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec, describe_atari
from saddlepoint.store import Store
from service.polling import wait_for

_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Environments:
    """What is known of environments; `wait_s` is how long a worker may take to look at a new one."""

    store: Store
    queue: JobQueue
    wait_s: float

    async def describe(self, env: EnvironmentSpec) -> EnvironmentDescription:
        """Raises UnknownEnvironment, UnsupportedEnvironment and InvalidSpec (its kwargs), as a worker found out.

        And Unavailable where no worker answers in time.
        """
        if env.is_atari:
            return describe_atari(env)
        found = await run_in_threadpool(self._find, env)
        if found is None:
            await run_in_threadpool(
                self.queue.enqueue, DESCRIBE, env.resolved().model_dump_json(), timeout_s=_TIMEOUT_S
            )
            found = await wait_for(lambda: self._find(env), self.wait_s)
        if found is None:
            raise Unavailable(
                f"No worker has looked at {env.id} within {self.wait_s:g} s; nothing was kept. Send the request again."
            )
        return found

    async def check_mentioned(self, spec: bytes) -> None:
        """Raise what is wrong with the environment that a specification names, whatever else is wrong with it.

        Whether epsilon has a default depends on the environment, so that is what a user has to mend first.
        """
        env = _mentioned(spec)
        if env is not None:
            with suppress(Unavailable):
                await self.describe(env)

    def _find(self, env: EnvironmentSpec) -> EnvironmentDescription | None:
        return find_environment(self.store, env)


def _mentioned(spec: bytes) -> EnvironmentSpec | None:
    try:
        return EnvironmentSpec.model_validate(json.loads(spec)["env"])
    except (ValueError, TypeError, KeyError, SaddlepointError):
        return None
