"""A landscape whose workers and queue are killed under it: the result is the same."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from saddlepoint.envs.describe import describe
from saddlepoint.schemas import keys
from saddlepoint.schemas.landscapes import LandscapeRecord, LandscapeResult, LandscapeSpec
from saddlepoint.store import get_record
from saddlepoint.submission import submit_job
from saddlepoint.work import LANDSCAPE, find_terminal
from tests.faults.faults import kill_a_horse, kill_a_worker, wipe_redis
from tests.faults.stack import import_cartpole, make_context, running_stack
from tests.processes import wait_until
from worker.chunks import run_chunk
from worker.context import Context
from worker.landscapes import LANDSCAPES

ID = "landscape"


def submit(context: Context) -> LandscapeRecord:
    spec = LandscapeSpec.model_validate(
        {"policy_ids": ["policy"], "env": "CartPole-v1", "epsilon": 0.3, "states": 400, "starts": 20}
    )
    record = LandscapeRecord(
        id=ID,
        owner="owner",
        created_at=datetime.now(UTC),
        chunks=spec.chunks_per_policy,
        chunk_timeout_s=600,
        spec=spec.filled(),
        environment=describe(spec.env),
    )
    submit_job(context.store, context.queue, LANDSCAPE, record)
    return record


def numbers(context: Context) -> object:
    result = get_record(context.store, keys.job_result(LANDSCAPE.name, ID, "json"), LandscapeResult)
    return [policy.model_dump() for policy in result.policies]


@pytest.mark.slow
def test_faults_change_nothing(tmp_path: Path) -> None:
    policy = import_cartpole(tmp_path)
    with running_stack(tmp_path / "store", policy, workers=2) as stack:
        stack.wait(within_s=90)
        record = submit(stack.context)
        for fault in (kill_a_horse, wipe_redis, kill_a_worker):
            stack.pause(1)
            fault(stack)

        def has_ended() -> bool:
            stack.supervise()
            return find_terminal(stack.context.store, LANDSCAPE, ID) is not None

        wait_until(has_ended, within_s=90, what="the end of the landscape")
        found = numbers(stack.context)
        undisturbed = make_context(tmp_path / "undisturbed", stack.context.settings.redis_url)
        for key in (keys.policy_model("policy"), keys.policy_card("policy")):
            undisturbed.store.put(key, stack.context.store.get(key))
        undisturbed.store.put(LANDSCAPE.spec(ID), record.model_dump_json().encode())
        for chunk in range(record.chunks):
            run_chunk(undisturbed, LANDSCAPES, ID, chunk)
        assert found == numbers(undisturbed)
        assert list(stack.context.store.list("active/")) == []
