"""`python -m worker.doctor`: findings about this machine, and about the Redis and the store that its settings name."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.checkups import FINDINGS, Finding
from saddlepoint.settings import PREFIX, Settings
from worker.doctor.confined import confinement
from worker.doctor.machine import limits, memory, processor, python
from worker.doctor.packages import graphics, onnx_runtime, packages, roms, torch_build
from worker.doctor.queue import look_at_redis
from worker.doctor.storage import look_at_store

MACHINE: tuple[Callable[[], Finding], ...] = (
    python,
    packages,
    confinement,  # it forks, so no operator of torch may have run before
    torch_build,
    onnx_runtime,
    roms,
    processor,
    graphics,
    memory,
    limits,
)


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Write the findings as JSON."""
    sys.stdout.write(FINDINGS.dump_json([*(check() for check in MACHINE), *of_stack(environment)]).decode())
    return 0


def of_stack(environment: Mapping[str, str]) -> Iterable[Finding]:
    """Redis and the store, where they are named: those of `saddlepoint up` are known to it alone."""
    try:
        settings = Settings.from_environment(environment)
    except (ValidationError, InvalidSpec) as error:
        names = ", ".join(_named(error)) or f"{PREFIX}API_KEYS"
        yield Finding(check="settings", verdict="fail", found=f"not valid: {names}", remedy="Correct or unset them.")
        return
    if environment.get(f"{PREFIX}REDIS_URL"):
        yield from look_at_redis(settings.redis_url)
    if environment.get(f"{PREFIX}STORE_URL"):
        yield from look_at_store(settings.store_url)


def _named(error: ValidationError | InvalidSpec) -> list[str]:
    """The settings that are wrong; never their values, for some are secret."""
    found = error.errors() if isinstance(error, ValidationError) else []
    return [f"{PREFIX}{str(one['loc'][0]).upper()}" for one in found if one["loc"]]


if __name__ == "__main__":
    sys.exit(main())
