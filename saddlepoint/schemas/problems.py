"""Errors on the wire: RFC 9457 problem details with a stable `code`."""

from pydantic import Field

from saddlepoint.errors import InternalError, SaddlepointError, by_code
from saddlepoint.schemas.base import Schema


class FieldProblem(Schema):
    """One field of a body that is wrong: where, and why."""

    location: str
    message: str


class Problem(Schema):
    """`application/problem+json`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    request_id: str | None = None
    """Of the request that it answers, as `X-Request-Id` and the log have it."""
    errors: list[FieldProblem] = Field(default_factory=list)


def problem_of(error: SaddlepointError, *, instance: str | None = None) -> Problem:
    """The problem that tells of `error`."""
    return Problem(
        type=f"urn:saddlepoint:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.message,
        code=error.code,
        instance=instance,
        errors=[FieldProblem(location=location, message=message) for location, message in error.fields],
    )


def error_of(problem: Problem) -> SaddlepointError:
    """The exception that a problem tells of; an unknown code becomes an InternalError or its parent by status."""
    error = by_code().get(problem.code, InternalError if problem.status >= 500 else SaddlepointError)
    return error(problem.detail, tuple((field.location, field.message) for field in problem.errors))
