"""What `saddlepoint doctor` finds: of the machine by the worker's part of it, of the service by the client's."""

from typing import Literal

from pydantic import TypeAdapter

from saddlepoint.schemas.base import Schema

Verdict = Literal["ok", "warn", "fail"]


class Finding(Schema):
    """One thing that was looked at."""

    check: str
    verdict: Verdict
    found: str
    """What there is."""
    remedy: str = ""
    """What to do about it, where it is not ok."""


FINDINGS: TypeAdapter[list[Finding]] = TypeAdapter(list[Finding])
"""As the two parts hand them on."""


def judged(check: str, found: str, *, remedy: str, fails: bool = False, warns: bool = False) -> Finding:
    """A finding that fails, warns or is ok; what is ok needs no remedy."""
    if not (fails or warns):
        return Finding(check=check, verdict="ok", found=found)
    return Finding(check=check, verdict="fail" if fails else "warn", found=found, remedy=remedy)
