"""Audit, hardening, audit and comparison, through every process that there is."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import AttackClient
from clients.background import RunningStack
from clients.requests import SpecFields
from saddlepoint.errors import NotComparable
from saddlepoint.schemas.trainings import Training
from tests.processes import wait_until

CARTPOLE = "CartPole-v1"
CONFIG: dict[str, Any] = {"steps": 1024, "actors": 8, "horizon": 64, "minibatch": 128, "epochs": 2, "attack_steps": 2}
SPEC: SpecFields = {
    "epsilon": 0.2,
    "attacks": ["none", "ce"],
    "seeds": 3,
    "episodes_per_seed": 2,
    "max_episode_steps": 100,
}


@pytest.fixture(scope="module")
def parent(client: AttackClient) -> str:
    """A policy that can be trained further, of a training that was evaluated by itself."""
    return str(client.wait(client.train(env=CARTPOLE, config=CONFIG), progress=False).policy_id)


def test_hardening_ends_in_a_paired_comparison_on_the_same_episodes(
    client: AttackClient, parent: str, tmp_path: Path
) -> None:
    hardened = client.harden(parent, env=CARTPOLE, config=CONFIG, progress=False, **SPEC)
    child = hardened.child.policy
    assert child["id"] == hardened.policy_id != parent
    assert (child["lineage"]["parent"], child["lineage"]["method"]) == (parent, "atpa")
    assert child["lineage"]["config"]["epsilon"] == 0.2
    for ours, theirs in zip(hardened.parent.cells, hardened.child.cells, strict=True):
        assert (ours.label, ours.seeds, ours.episodes) == (theirs.label, theirs.seeds, 6)
    comparison = hardened.comparison
    assert comparison.paired == "episodes"
    assert comparison.setting["seeds"] == [0, 1, 2]
    ce = next(cell for cell in comparison.cells if cell.attack == "ce")
    differences = [
        ours - theirs
        for ours, theirs in zip(hardened.child.cell("ce").returns, hardened.parent.cell("ce").returns, strict=True)
    ]
    assert ce.difference == pytest.approx(sum(differences) / 6)
    assert [cell.action_mode for cell in comparison.greedy_cells] == ["greedy"]
    folder = hardened.save(tmp_path / "out")
    assert "<svg" in (folder / "comparison.html").read_text(encoding="utf-8")
    assert client.upload(folder / "policy.onnx").head == "logits"


def test_the_service_attaches_the_same_proof_by_itself_and_a_repetition_does_nothing_twice(
    client: AttackClient, parent: str
) -> None:
    first = client.harden(parent, env=CARTPOLE, config=CONFIG, progress=False, **SPEC)
    wait_until(lambda: not _proof(client, first.training)["is_pending"], within_s=60, what="the proof")
    assert _proof(client, first.training) == {
        "is_pending": False,
        "parent_evaluation": first.parent.id,
        "evaluation": first.child.id,
        "comparison": first.comparison.id,
        "error": None,
    }
    again = client.harden(parent, env=CARTPOLE, config=CONFIG, progress=False, **SPEC)
    assert (again.training.id, again.comparison) == (first.training.id, first.comparison)


@pytest.mark.slow
def test_one_post_is_enough(stack: RunningStack, client: AttackClient, parent: str) -> None:
    """Nobody follows it: the reconciler begins the evaluations and the comparison, a step a pass."""
    evaluation = {"epsilon": 0.2, "attacks": ["none", "ce"], "tier": "smoke", "max_episode_steps": 50}
    body = {"env": CARTPOLE, "method": "atpa", "policy_id": parent, "seed": 7, "evaluation": evaluation}
    answer = httpx.post(f"{stack.url}/v1/trainings", json={**body, "config": {**CONFIG, "epsilon": 0.2}})
    assert answer.status_code == 202
    training = Training.model_validate(answer.json())
    wait_until(lambda: not _proof(client, training)["is_pending"], within_s=120, what="the proof")
    links = client.training(training.id).links
    comparison = httpx.get(f"{stack.url}{links['comparison']}", headers={"Prefer": "wait=30"}).json()
    assert comparison["status"] == "succeeded"
    assert [comparison["spec"][side] for side in ("baseline", "candidate")] == [
        [links["parent_evaluation"].rpartition("/")[2]],
        [links["evaluation"].rpartition("/")[2]],
    ]


def test_other_episodes_cannot_be_compared(client: AttackClient, parent: str) -> None:
    spec: SpecFields = {**SPEC, "attacks": ["none"]}
    more: SpecFields = {**spec, "seeds": 4}
    one, other = (client.robustness_report(parent, env=CARTPOLE, progress=False, **each) for each in (spec, more))
    with pytest.raises(NotComparable, match="seeds is"):
        client.compare(one, other)


def _proof(client: AttackClient, training: Training) -> dict[str, Any]:
    found = client.training(training.id).proof
    assert found is not None
    return found.model_dump()
