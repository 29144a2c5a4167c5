"""From the chunks of a landscape to its result, as numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from saddlepoint.evaluation.landscape import HORIZON, Columns
from saddlepoint.evaluation.protocol import versions
from saddlepoint.schemas.landscapes import (
    LandscapeRecord,
    LandscapeResult,
    LandscapeSummary,
    PolicyLandscape,
)


def fold_landscape(
    record: LandscapeRecord, names: Sequence[str], chunks: Sequence[Sequence[Columns]]
) -> LandscapeResult:
    """`names` of the policies, and the chunks of each in order."""
    return LandscapeResult(
        id=record.id,
        created_at=datetime.now(UTC),
        spec=record.spec.filled(),
        policies=[
            _of_policy(policy_id, name, own)
            for policy_id, name, own in zip(record.spec.policy_ids, names, chunks, strict=True)
        ],
        versions=versions(),
        protocol=_protocol(record),
    )


def summarised(landscape: PolicyLandscape) -> LandscapeSummary:
    values = np.array(landscape.max_kl)
    return LandscapeSummary(
        policy_id=landscape.policy_id,
        name=landscape.name,
        states=len(values),
        median=float(np.median(values)),
        quantile90=float(np.quantile(values, 0.9)),
        mean=float(values.mean()),
        largest=float(values.max()),
    )


def _of_policy(policy_id: str, name: str, chunks: Sequence[Columns]) -> PolicyLandscape:
    has_tv = "max_tv" in chunks[0]
    return PolicyLandscape(
        policy_id=policy_id,
        name=name,
        max_kl=[float(value) for chunk in chunks for value in chunk["max_kl"]],
        max_tv=[float(value) for chunk in chunks for value in chunk["max_tv"]] if has_tv else None,
        matrices=[matrix.tolist() for chunk in chunks for matrix in chunk.get("matrices", ())],
    )


def _protocol(record: LandscapeRecord) -> dict[str, Any]:
    return {
        "states": f"of the policy's own unattacked episodes, as many of each, uniform over its first {HORIZON} steps",
        "attack": "CE-PGD in fp32 from points uniform in the ball; the last iterate of each",
        "max_kl": "largest KL(pi(.|s + d_i) || pi(.|s + d_j)) over the ordered pairs, nats",
        "threads": 1,
        "version": 1,
        "environment": record.environment.env.model_dump(mode="json"),
    }
