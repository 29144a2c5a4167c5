"""The bundled policy: small, honestly described, better than chance, and undone by the policy attack but not by noise.

`python -m pytest -m slow tests/trainer/test_zoo.py -s` prints what was measured.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from saddlepoint.evaluation.statistics import Estimate, estimate, paired_difference
from saddlepoint.evaluation.whole import evaluate
from saddlepoint.policies.importing import ImportedPolicy, import_policy
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.policies import PolicyHints
from saddlepoint.schemas.training_config import TrainingConfig
from trainer.export_zoo import ZOO, weights_from

BOXER = ZOO / "BoxingNoFrameskip-v4-standard.safetensors"
SEEDS = 12
STEPS = 300
"""Of each game: a sixth of it is enough to tell, and twenty whole games took minutes."""


def load(path: Path) -> ImportedPolicy:
    now = datetime.now(UTC)
    return import_policy(
        path.read_bytes(), filename_hint=path.name, hints=PolicyHints(), policy_id="zoo", created_at=now
    )


@pytest.mark.parametrize("path", sorted(ZOO.glob("*.safetensors")), ids=lambda path: path.stem)
def test_a_zoo_policy_is_small_and_has_its_card(path: Path) -> None:
    assert path.stat().st_size <= 4_000_000
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["command"].startswith("python -m trainer.run ")
    assert card["lineage"]["steps"] > 0
    config = TrainingConfig.model_validate(card["lineage"]["config"])
    assert card["weights"] == weights_from(card["lineage"]["steps"], config)
    assert load(path).card.actions == 18


def shown(name: str, found: Estimate) -> None:
    sys.stderr.write(f"{name}: {found.mean:.2f}, 95% interval {found.ci95}\n")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_policy_attack_beats_noise_of_the_same_size() -> None:
    boxer = load(BOXER)
    spec = EvaluationSpec.model_validate(
        {
            "env": "BoxingNoFrameskip-v4",
            "attacks": ["none", "random", "ce"],
            "seeds": SEEDS,
            "episodes_per_seed": 1,
            "action_mode": "sample",
            "max_episode_steps": STEPS,
        }
    )
    report = evaluate(boxer.model, boxer.card, spec, default_precision="bf16")
    clean, noise, attacked = (report.cell(label).returns for label in ("none", "random", "ce"))
    against_noise = paired_difference(attacked, noise)
    shown("none", estimate(clean))
    shown("ce - random", against_noise)
    shown("random - none", paired_difference(noise, clean))
    assert against_noise.ci95 is not None
    assert against_noise.ci95[1] < 0
    assert report.cell("none").mean > report.reference.random_policy.mean
