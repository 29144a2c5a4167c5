"""What a report shows beside its numbers: one game without and with the worst attack found."""

from dataclasses import dataclass

from saddlepoint.evaluation.footage import Footage
from saddlepoint.evaluation.traces import Trace
from saddlepoint.schemas.plans import EpisodeResult, PlannedCell


@dataclass(frozen=True)
class Played:
    """A game, as its result and step by step."""

    result: EpisodeResult
    trace: Trace


@dataclass(frozen=True)
class Evidence:
    """The same episode twice."""

    cell: PlannedCell
    """The attack."""
    clean: Played
    attacked: Played
    unit: tuple[float, ...] | None
    """Of epsilon, in each entry of an observation; None for 1 everywhere."""
    action_names: tuple[str, ...]
    """Empty where they have none."""
    footage: Footage | None
    why_no_footage: str = ""


@dataclass(frozen=True)
class NoEvidence:
    """Why there is none, as a sentence; empty where nobody looked."""

    reason: str = ""
