"""From a policy file to a report, through every process that there is."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clients import AsyncAttackClient, AttackClient, Report
from clients.background import RunningStack
from saddlepoint.errors import (
    ActionMismatch,
    MalformedPolicy,
    ObservationMismatch,
    SaddlepointError,
    UnknownAttack,
    UnknownEnvironment,
    UnsafePickle,
    UnsupportedFormat,
)
from saddlepoint.schemas.reports import RobustnessReport
from tests.processes import wait_until

KINDS = ["none", "random", "max", "min", "ce"]
PHASES = ["queued", "starting", "processing", "succeeded"]


def test_a_policy_for_a_gymnasium_environment_gets_a_complete_report(
    client: AttackClient, policies: dict[str, Path], tmp_path: Path
) -> None:
    states: list[Any] = []
    report = client.robustness_report(
        policies["CartPole-v1"],
        env="CartPole-v1",
        epsilon=[0.05, 0.2],
        seeds=3,
        episodes_per_seed=2,
        max_episode_steps=200,
        progress=states.append,
    )
    assert [(cell.label, cell.epsilon) for cell in report.cells][:3] == [("none", 0), ("random", 0.05), ("random", 0.2)]
    assert len(report.cells) == 1 + 2 * 4
    assert all(len(cell.returns) == len(cell.lengths) == 6 for cell in report.cells)
    assert all(cell.max_linf <= cell.epsilon + 1e-6 for cell in report.cells)
    assert report.cell("none").mean > report.reference.random_policy.mean
    assert report.worst_case is not None
    assert states[-1].status == "succeeded"
    seen = [(PHASES.index(state.status), state.progress.episodes_done) for state in states]
    assert seen == sorted(seen)
    assert states[-1].progress.episodes_done == states[-1].progress.episodes_planned
    assert "<html" in (report.save(tmp_path) / "report.html").read_text(encoding="utf-8")


def test_an_atari_policy_is_played_under_every_attack_and_its_game_is_shown(
    client: AttackClient, policies: dict[str, Path], tmp_path: Path
) -> None:
    env = "BoxingNoFrameskip-v4"
    report = client.robustness_report(
        policies[env], env=env, seeds=2, episodes_per_seed=1, max_episode_steps=20, progress=False
    )
    assert [cell.label for cell in report.cells] == KINDS
    assert {length for cell in report.cells for length in cell.lengths} == {20}
    assert [cell.truncated for cell in report.cells] == [2] * 5
    assert 0 < report.cell("ce").max_linf <= 4.0
    page = (report.save(tmp_path) / "report.html").read_text(encoding="utf-8")
    assert "data:video/mp4;base64," in page
    assert "earned the same rewards step by step" in page


@pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="there is no curl here")
def test_curl_and_the_client_get_the_same_report(
    stack: RunningStack, client: AttackClient, policies: dict[str, Path]
) -> None:
    policy = policies["CartPole-v1"]
    spec = {"env": "CartPole-v1", "epsilon": 0.1, "seeds": [5, 6], "episodes_per_seed": 1}
    form = ["-F", f"policy=@{policy}", "-F", f"spec={json.dumps(spec)}"]
    started = _curl(f"{stack.url}/evaluate", *form)
    by_client = client.robustness_report(
        policy, env="CartPole-v1", epsilon=0.1, seeds=[5, 6], episodes_per_seed=1, progress=False
    )
    by_curl = _curl(f"{stack.url}/v1/evaluations/{started['id']}/report")
    assert RobustnessReport.model_validate(by_curl) == RobustnessReport.model_validate(by_client.model_dump())


def test_the_asynchronous_client_gets_the_same_report(
    stack: RunningStack, client: AttackClient, policies: dict[str, Path]
) -> None:
    spec: dict[str, Any] = {"env": "CartPole-v1", "epsilon": 0.1, "seeds": [7], "episodes_per_seed": 1}

    async def evaluate() -> Report:
        async with AsyncAttackClient(stack.url) as connected:
            return await connected.robustness_report(policies["CartPole-v1"], progress=False, **spec)

    assert asyncio.run(evaluate()) == client.robustness_report(policies["CartPole-v1"], progress=False, **spec)


def test_a_canceled_evaluation_ends_soon_and_has_no_report(client: AttackClient, policies: dict[str, Path]) -> None:
    env = "BoxingNoFrameskip-v4"
    started = client.evaluate(policies[env], env=env, seeds=[7], episodes_per_seed=4)
    client.cancel(started)
    wait_until(lambda: client.evaluation(started.id).is_terminal, within_s=20, what="the end of the evaluation")
    assert client.evaluation(started.id).status == "canceled"
    with pytest.raises(SaddlepointError, match="report"):
        client.report(started)


_PICKLE = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94."


@pytest.mark.parametrize(
    ("content", "suffix", "error"),
    [
        (b"hello", ".txt", UnsupportedFormat),
        (_PICKLE, ".pt", UnsafePickle),
        (b"PK\x03\x04 truncated", ".zip", MalformedPolicy),
    ],
    ids=["text", "pickle", "truncated"],
)
def test_a_bad_file_is_refused_by_name(
    client: AttackClient, tmp_path: Path, content: bytes, suffix: str, error: type[SaddlepointError]
) -> None:
    path = tmp_path / f"policy{suffix}"
    path.write_bytes(content)
    with pytest.raises(error):
        client.evaluate(path, env="CartPole-v1", epsilon=0.1)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"env": "BoxngNoFrameskip-v4"}, UnknownEnvironment),
        ({"env": "NoSuchThing-v0"}, UnknownEnvironment),
        ({"env": "BoxingNoFrameskip-v4"}, ObservationMismatch),
        ({"env": "Acrobot-v1"}, ObservationMismatch),
        ({"attacks": ["cee"]}, UnknownAttack),
    ],
    ids=["game", "gymnasium", "pixels", "shape", "attack"],
)
def test_a_bad_specification_is_refused_by_name(
    client: AttackClient, policies: dict[str, Path], change: dict[str, Any], error: type[SaddlepointError]
) -> None:
    spec: dict[str, Any] = {"env": "CartPole-v1", "epsilon": 0.1, **change}
    with pytest.raises(error):
        client.evaluate(policies["CartPole-v1"], **spec)


def test_a_policy_with_other_actions_than_the_game_is_refused(client: AttackClient, policies: dict[str, Path]) -> None:
    with pytest.raises(ActionMismatch, match="has 6 actions, the policy 18"):
        client.evaluate(policies["BoxingNoFrameskip-v4"], env="PongNoFrameskip-v4")


def test_the_lists_know_what_was_sent(client: AttackClient, policies: dict[str, Path]) -> None:
    card = client.upload(policies["CartPole-v1"])
    started = client.evaluate(card.id, env="CartPole-v1", epsilon=0.1, seeds=1, episodes_per_seed=1)
    assert card in client.policies()
    assert started.id in [evaluation.id for evaluation in client.evaluations()]
    assert [attack.kind for attack in client.attacks() if attack.kind in KINDS] == KINDS
    assert "BoxingNoFrameskip-v4" in [environment["id"] for environment in client.environments()]


def _curl(*words: str) -> Any:
    done = subprocess.run(["curl", "-sS", "--fail-with-body", *words], capture_output=True, check=True)
    return json.loads(done.stdout)
