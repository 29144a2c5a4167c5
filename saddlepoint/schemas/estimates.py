"""What an evaluation will cost, said before it is begun."""

from pydantic import Field

from saddlepoint.schemas.base import Schema


class Estimate(Schema):
    """The answer to a dry run: nothing was stored."""

    episodes: int
    """The random policy's few and the greedy ones of a report included."""
    cells: int
    environment_steps: int
    """Expected, in agent steps."""
    duration_s: float
    """Expected from the start of play, with the workers that are there now, or one where there is none."""
    workers: int = Field(description="evaluators that are there now")
    basis: str
    """What length and speed are taken from, in words."""
    evaluation_id: str | None = None
    """The same evaluation, where it goes on or has succeeded: asking for it again costs nothing."""
