"""What an evaluation will take, and that asking leaves no trace."""

from datetime import timedelta

import pytest

from saddlepoint.queue import EVALUATE, VALIDATE, Activity, WorkerActivity
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.estimates import Estimate
from saddlepoint.schemas.evaluations import Evaluation, EvaluationSpec, Progress
from service.estimates import Played, played
from tests.service.bench import Bench
from tests.service.doubles import NOON

pytestmark = pytest.mark.anyio
SMOKE = {"env": "BoxingNoFrameskip-v4", "tier": "smoke", "attacks": ["none", "ce"]}


async def policy(bench: Bench) -> str:
    return str((await bench.upload()).json()["id"])


async def test_a_dry_run_says_what_it_takes_and_stores_nothing(bench: Bench) -> None:
    spec = {**SMOKE, "policy_id": await policy(bench)}
    before = [key for key in bench.stored() if not key.startswith("audit/")]
    answer = await bench.api.post("/v1/evaluations?dry_run=true", json=spec)
    assert answer.status_code == 200
    found = Estimate.model_validate_json(answer.content)
    # two of none, of ce and of ce with greedy actions, and the random policy's five
    assert (found.episodes, found.cells, found.workers, found.evaluation_id) == (11, 4, 0, None)
    assert found.environment_steps == 11 * 2000
    assert found.duration_s == pytest.approx((2 * 1 + 4 * 15 + 5) * 2000 * 2.2e-4, abs=0.1)
    assert found.basis == "a rough guess: no evaluation of BoxingNoFrameskip-v4 has ended here yet"
    assert [key for key in bench.stored() if not key.startswith("audit/")] == before
    assert [task for task, _ in bench.queue.queued] == [VALIDATE]


async def test_longer_episodes_are_not_expected_than_are_allowed(bench: Bench) -> None:
    spec = {**SMOKE, "policy_id": await policy(bench), "max_episode_steps": 100}
    answer = (await bench.api.post("/v1/evaluations?dry_run=true", json=spec)).json()
    assert answer["environment_steps"] == 11 * 100


async def test_what_is_there_already_is_named(bench: Bench) -> None:
    spec = {**SMOKE, "policy_id": await policy(bench)}
    begun = (await bench.api.post("/v1/evaluations", json=spec)).json()["id"]
    answer = (await bench.api.post("/v1/evaluations?dry_run=true", json=spec)).json()
    assert answer["evaluation_id"] == begun


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"env": "NoSuchThing-v0", "epsilon": 1}, "unknown-environment"),
        ({"attacks": ["value"]}, "unsupported-attack"),
        ({"env": "CartPole-v1", "epsilon": 1}, "observation-mismatch"),
        ({"epsilon": -1}, "invalid-epsilon"),
    ],
)
async def test_a_dry_run_is_refused_as_the_evaluation_would_be(
    bench: Bench, change: dict[str, object], code: str
) -> None:
    spec = {**SMOKE, "policy_id": await policy(bench), **change}
    refused = [await bench.api.post(path, json=spec) for path in ("/v1/evaluations?dry_run=true", "/v1/evaluations")]
    assert [answer.json()["code"] for answer in refused] == [code, code]


async def test_workers_that_are_there_are_counted(bench: Bench) -> None:
    worker = WorkerActivity("w", EVALUATE, "host", 1, NOON, NOON, None)
    bench.queue.now_active = Activity((), (worker, worker))
    spec = {**SMOKE, "policy_id": await policy(bench)}
    assert (await bench.api.post("/v1/evaluations?dry_run=true", json=spec)).json()["workers"] == 2


def ended(status: str = "succeeded", steps: int = 3000) -> Evaluation:
    spec = EvaluationSpec.model_validate({"env": EnvironmentSpec(id="CartPole-v1"), "attacks": ["none"], "epsilon": 1})
    progress = Progress(episodes_done=30, episodes_planned=30, environment_steps=steps)
    fields = {"id": "e", "status": status, "policy_id": "p", "spec": spec, "created_at": NOON, "progress": progress}
    return Evaluation.model_validate({**fields, "finished_at": NOON + timedelta(seconds=6)})


def test_an_evaluation_that_ended_says_how_long_episodes_are_and_what_a_pass_takes() -> None:
    assert played(ended()) == Played(steps_per_episode=100.0, pass_s=0.002)


@pytest.mark.parametrize("nothing", [ended("failed"), ended(steps=0)])
def test_one_that_failed_or_played_nothing_says_nothing(nothing: Evaluation) -> None:
    assert played(nothing) is None
