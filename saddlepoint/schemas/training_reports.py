"""The report of a training that has succeeded: how it learned, what came of it, and what that gained."""

from typing import Any

from pydantic import Field

from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, Timestamp, digest
from saddlepoint.schemas.comparisons import ComparisonResult
from saddlepoint.schemas.jobs import JobRecord
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.trainings import CurvePoint, TrainingSpec


class TrainingReport(Schema):
    """What `GET /v1/trainings/{id}/report` answers."""

    id: str
    """Of the training."""
    created_at: Timestamp
    """When the training was asked for."""
    finished_at: Timestamp
    spec: TrainingSpec
    config: TrainingConfig
    """Every field that the training was made with, epsilon decided."""
    acts_on: str
    """What the policy sees whose return the learning curve shows."""
    steps: int
    training_s: float | None
    """Spent in updates, by the speed of each; None where no update says."""
    curve: list[CurvePoint]
    policy: dict[str, Any]
    """The card of the published policy, with its lineage."""
    comparison: ComparisonResult | None
    """With the policy that it started from; None where the training was asked for no evaluation, or started from none,
    or as long as both are being evaluated."""
    verdict: str
    """One sentence for a reader in a hurry."""
    warnings: list[str] = Field(default_factory=list)
    versions: dict[str, str]
    """Of what trained it."""


class TrainingReportRecord(JobRecord):
    """A report as work of one chunk."""

    training_id: str
    comparison_id: str | None


def training_report_id(training_id: str, comparison_id: str | None) -> str:
    """A training has one report when it ends, and another once it is compared."""
    return digest("training-report", training_id, comparison_id, PROTOCOL_VERSION)
