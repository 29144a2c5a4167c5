"""The pages of every kind of job, in every state that it may be in."""

import asyncio
import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from saddlepoint.endings import end
from saddlepoint.errors import CleanScoreTooLow
from saddlepoint.queue import EVALUATE, SHARD, Activity, QueueActivity, QueuedTask, WorkerActivity
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.policies import Lineage, PolicyCard
from saddlepoint.schemas.problems import problem_of
from saddlepoint.schemas.trainings import CurvePiece, CurvePoint, ProofPart
from saddlepoint.store import put_record
from saddlepoint.work import EVALUATION, TRAINING
from service.snapshots import FRESH_S
from tests.evaluation.sample_report import sample_report
from tests.service.bench import Bench, cell
from tests.service.doubles import NOON, put_policy

pytestmark = pytest.mark.anyio
TRAINING_SPEC = {"env": "BoxingNoFrameskip-v4", "method": "atpa", "config": {"steps": 100_000, "epochs": 3}}


async def seen(bench: Bench, path: str) -> str:
    """The words of a page, one space apart."""
    await asyncio.sleep(FRESH_S)
    answer = await bench.api.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def begun(bench: Bench, **spec: Any) -> str:
    return str((await bench.evaluate(**spec)).json()["id"])


async def test_an_evaluation_that_goes_on_shows_how_far_it_is_and_what_is_finished(bench: Bench) -> None:
    evaluation_id = await begun(bench)
    bench.queue.set_live(evaluation_id, "processing", 7, 12_345)
    put_record(bench.store, keys.evaluation_cell(evaluation_id, 0), cell("none", 0.0, mean=71.25))
    shown = await seen(bench, f"/evaluations/{evaluation_id}")
    assert "processing episodes are being played" in shown
    assert "Episodes 7 of 17 Environment steps 12,345" in shown
    assert "none – 71.2 – – – 2 random 4 not finished yet" in shown
    assert "Cancel" in shown


async def test_an_evaluation_that_succeeded_shows_its_headline_and_every_form_of_its_report(bench: Bench) -> None:
    evaluation_id, report = await begun(bench), sample_report()
    bench.store.put(keys.evaluation_report(evaluation_id, "json"), report.model_dump_json().encode())
    end(bench.store, bench.queue, EVALUATION, evaluation_id, "succeeded")
    shown = await seen(bench, f"/evaluations/{evaluation_id}")
    assert report.verdict.rstrip(".") in shown
    for text in ("Open the report", "Worst found", "JSON, with every episode", "CSV, a row an episode", "Parquet"):
        assert text in shown
    assert "JUnit" not in shown
    assert "Cancel" not in shown
    listed = await seen(bench, "/evaluations")
    assert "falls to" in listed


async def test_an_evaluation_that_failed_says_why(bench: Bench) -> None:
    evaluation_id = await begun(bench)
    error = problem_of(CleanScoreTooLow("The unattacked score is <1>; train longer."))
    end(bench.store, bench.queue, EVALUATION, evaluation_id, "failed", error=error)
    shown = await seen(bench, f"/evaluations/{evaluation_id}")
    assert "It failed The unattacked score is <1>; train longer. clean-score-too-low" in shown


async def test_an_evaluation_that_was_canceled_says_what_is_left(bench: Bench) -> None:
    evaluation_id = await begun(bench)
    end(bench.store, bench.queue, EVALUATION, evaluation_id, "canceled")
    assert "Episodes that were played are kept" in await seen(bench, f"/evaluations/{evaluation_id}")


async def test_what_is_not_there_is_not_found(bench: Bench) -> None:
    for path in ("/evaluations/nothing", "/policies/nothing", "/trainings/nothing", "/evaluations/new?policy=nothing"):
        assert (await bench.api.get(path)).status_code == 404


async def test_lists_lead_from_page_to_page(bench: Bench) -> None:
    ids = [await begun(bench, seeds=[seed]) for seed in range(26)]
    first = (await bench.api.get("/evaluations")).text
    (older,) = re.findall(r'href="(/evaluations\?cursor=[^"]+)"', first)
    second = (await bench.api.get(older)).text
    assert ids[0] in second
    assert ids[0] not in first
    assert ids[25] in first
    assert 'rel="next"' not in second


async def test_a_training_that_goes_on(bench: Bench) -> None:
    policy_id = (await bench.upload()).json()["id"]
    spec = {**TRAINING_SPEC, "policy_id": policy_id, "name": "boxer"}
    training_id = (await bench.api.post("/v1/trainings", json=spec)).json()["id"]
    points = [CurvePoint(update=n, steps=2048 * n, episodes=n, mean_return=12.5) for n in (1, 2)]
    put_record(bench.store, keys.training_curve(training_id, 2, 0), CurvePiece(points=points))
    shown = await seen(bench, f"/trainings/{training_id}")
    for text in ("boxer", "4,096 of 98,304 steps", "Learning curve", "Cancel", "Epochs 3", f"Policy {policy_id[:8]}"):
        assert text in shown
    listed = await seen(bench, "/trainings")
    assert f"boxer BoxingNoFrameskip-v4 Policy {policy_id[:8]} queued 12.5" in listed


async def test_a_training_that_has_ended_and_what_it_gained(bench: Bench) -> None:
    evaluation_id = await begun(bench)
    spec = {**TRAINING_SPEC, "evaluation": {"tier": "smoke"}}
    training_id = (await bench.api.post("/v1/trainings", json=spec)).json()["id"]
    published(bench, training_id)
    end(bench.store, bench.queue, TRAINING, training_id, "succeeded", policy_id="child")
    put_record(bench.store, keys.training_proof_part(training_id, "evaluation"), ProofPart(id=evaluation_id))
    shown = await seen(bench, f"/trainings/{training_id}")
    for text in ("Open the policy", "hardened", "What it gained", "After:", "Follows when the training has ended"):
        assert text in shown
    assert "Cancel" not in shown


async def test_a_policy_that_was_trained_here_shows_its_lineage(bench: Bench) -> None:
    published(bench, "t")
    shown = await seen(bench, "/policies/child")
    assert "atpa, seed 3, 1,000 steps of BoxingNoFrameskip-v4" in shown
    assert "a policy that was deleted, parent" in shown
    assert "Evaluate this" in shown
    assert "Harden it" in shown


async def test_who_works_at_what_is_shown(bench: Bench) -> None:
    evaluation_id = await begun(bench)
    task = QueuedTask(SHARD.function, (evaluation_id, "0"), NOON)
    worker = WorkerActivity("w", EVALUATE, "machine", 42, NOON, NOON, task)
    bench.queue.now_active = Activity((QueueActivity(EVALUATE, 3, 1, task),), (worker,))
    shown = await seen(bench, "/workers")
    assert "machine process 42 Evaluations plays part 1 of evaluation" in shown
    assert f'href="/evaluations/{evaluation_id}"' in (await bench.api.get("/workers")).text


async def test_without_redis_the_pages_say_so(bench: Bench) -> None:
    bench.queue.away = True
    for path in ("/", "/workers"):
        assert "The queue cannot be reached right now" in await seen(bench, path)


def published(bench: Bench, training_id: str) -> None:
    """A policy that a training made of one that is gone."""
    env = EnvironmentSpec(id="BoxingNoFrameskip-v4")
    lineage = Lineage(
        parent="parent", method="atpa", env=env, config={}, steps=1000, seed=3, training_id=training_id, versions={}
    )
    card = PolicyCard.model_validate(
        {
            **{"id": "child", "name": "hardened", "created_at": datetime(2026, 1, 1, tzinfo=UTC), "format": "onnx"},
            **{"architecture": "nature-cnn", "head": "logits", "observation": {"shape": (4, 84, 84)}, "outputs": []},
            **{"actions": 18, "parameters": 1, "sha256": "", "canonical_sha256": "", "size": 1},
            **{"max_disagreement": 0.0, "lineage": lineage},
        }
    )
    put_policy(bench.store, card)
