"""Attacks on observations that were sent: the steps of each chunk are counted."""

import io
from pathlib import Path

import numpy as np
import pytest

from saddlepoint.queue import Observed
from saddlepoint.schemas import keys
from saddlepoint.schemas.observation_attacks import ObservationArray, ObservationAttackRecord, ObservationAttackSpec
from saddlepoint.store import put_record
from tests.evaluation.test_observations import CARD_OF_2, LINEAR
from tests.worker.world import NOW, make_context
from worker.context import Context
from worker.observations import ATTACKS

ROWS = np.full((300, 2), 0.3, np.float32)
RECORD = ObservationAttackRecord(
    id="attack",
    owner="me",
    created_at=NOW,
    chunks=2,
    chunk_timeout_s=60.0,
    policy_id="policy",
    spec=ObservationAttackSpec.model_validate({"kind": "worst", "epsilon": 0.5, "steps": 5, "members": ["ce", "max"]}),
    array=ObservationArray(shape=ROWS.shape, dtype="float32"),
)


@pytest.fixture
def context(tmp_path: Path, redis_url: str) -> Context:
    made = make_context(tmp_path / "store", redis_url)
    made.store.put(keys.policy_model("policy"), LINEAR)
    put_record(made.store, keys.policy_card("policy"), CARD_OF_2)
    sent = io.BytesIO()
    np.save(sent, ROWS)
    made.store.put(keys.job_input("attack", RECORD.id), sent.getvalue())
    return made


@pytest.mark.parametrize(("chunk", "rows"), [(0, 256), (1, 44)])
def test_every_row_takes_the_steps_of_every_member(context: Context, chunk: int, rows: int) -> None:
    before = _counted(context)
    ATTACKS.compute(context, RECORD, chunk, lambda: None)
    assert _counted(context) - before == rows * 5 * 2


def _counted(context: Context) -> float:
    return context.queue.totals()["attack_steps"].get(("worst",), Observed()).sum
