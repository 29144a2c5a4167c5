"""Extensions, attacks on sent observations and landscapes, through every process that there is."""

import io
from pathlib import Path

import numpy as np
import pytest

from clients import AttackClient
from saddlepoint.errors import InvalidRequest, InvalidSpec
from tests.stack.policies import balancing_cartpole


def test_an_extension_keeps_what_was_played_and_adds_the_rest(client: AttackClient, policies: dict[str, Path]) -> None:
    report = client.robustness_report(
        policies["CartPole-v1"],
        env="CartPole-v1",
        epsilon=0.1,
        seeds=2,
        episodes_per_seed=2,
        attacks=["none", "ce"],
        max_episode_steps=100,
        progress=False,
    )
    extension = client.extend(report.id, seeds=3, attacks=["max"])
    assert (extension.parent, extension.policy_id) == (report.id, client.evaluation(report.id).policy_id)
    client.wait(extension, progress=False)
    larger = client.report(extension)
    assert [cell.attack for cell in larger.cells] == ["none", "ce", "max"]
    for label in ("none", "ce"):
        assert larger.cell(label).returns[:4] == report.cell(label).returns
    assert larger.cell("ce").episodes == 6
    assert larger.cell("ce").clean_states > 0


def test_observations_are_attacked_in_chunks(client: AttackClient, policies: dict[str, Path], tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(scale=0.05, size=(300, 4)).astype(np.float32)
    path = tmp_path / "x.npy"
    np.save(path, rows)
    attacked = client.attack(policies["CartPole-v1"], path, kind="ce", epsilon=0.1)
    again = client.attack(policies["CartPole-v1"], path.read_bytes(), kind="ce", epsilon=0.1)
    assert attacked.npz == again.npz
    found = np.load(io.BytesIO(attacked.npz))
    assert found["observations"].shape == (300, 4)
    assert np.abs(found["observations"] - rows).max() <= 0.1
    assert attacked.summary is not None
    assert attacked.summary.flip_rate == pytest.approx(found["flip"].mean())
    assert attacked.summary.mean_loss > attacked.summary.mean_clean_loss


def test_observations_that_do_not_fit_are_refused(client: AttackClient, policies: dict[str, Path]) -> None:
    with pytest.raises(InvalidRequest):
        client.attack(policies["CartPole-v1"], b"no array", epsilon=0.1)
    buffer = io.BytesIO()
    np.save(buffer, np.full((2, 4), np.nan, np.float32))
    with pytest.raises(InvalidSpec, match="epsilon"):
        client.attack(policies["CartPole-v1"], buffer.getvalue(), epsilon=-1.0)


def test_a_landscape_is_made(client: AttackClient, policies: dict[str, Path], tmp_path: Path) -> None:
    found = client.landscape(policies["CartPole-v1"], env="CartPole-v1", epsilon=0.1, states=70, starts=6)
    assert [len(policy.max_kl) for policy in found.policies] == [70]
    assert found.summary[0].largest == pytest.approx(max(found.policies[0].max_kl))
    assert np.array(found.policies[0].matrices).shape == (4, 6, 6)
    page = (found.save(tmp_path / "out") / "landscape.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 4


def test_a_report_shows_the_landscape_of_its_policy(client: AttackClient, tmp_path: Path) -> None:
    policy = balancing_cartpole(tmp_path / "without-a-landscape.onnx", gain=3.0)
    evaluation = client.evaluate(
        policy, env="CartPole-v1", epsilon=0.15, seeds=2, episodes_per_seed=1, max_episode_steps=50
    )
    client.wait(evaluation, progress=False)

    def page() -> str:
        return (client.report(evaluation).save(tmp_path) / "report.html").read_text(encoding="utf-8")

    before = page()
    client.landscape(policy, env="CartPole-v1", epsilon=0.15, states=10, starts=5)
    after = page()
    how = "saddlepoint landscape POLICY_FILE"
    assert (how in before, how in after) == (True, False)
    assert after.count("<figure") > before.count("<figure")
