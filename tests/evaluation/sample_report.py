"""A report as an evaluation of a Boxing policy gives it, made of random numbers: for tests of what shows reports."""

from datetime import UTC, datetime

import numpy as np

from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.reports import (
    AttackHealth,
    Cell,
    RandomPolicyReference,
    Reference,
    RobustnessReport,
    WorstCase,
)

CLEAN, RANDOM_POLICY = 72.4, 0.8


def sample_report(*, epsilons: tuple[float, ...] = (4.0,), seeds: int = 3, per_seed: int = 5) -> RobustnessReport:
    """Five attacks, those with a budget at every epsilon, and the greedy `ce` cells."""
    kinds = ("random", "max", "min", "ce")
    attacked = [_cell(kind, epsilon, seeds, per_seed) for kind in kinds for epsilon in epsilons]
    spec = EvaluationSpec.model_validate(
        {"env": "BoxingNoFrameskip-v4", "seeds": seeds, "episodes_per_seed": per_seed, "epsilon": epsilons}
    )
    worst = min(attacked, key=lambda cell: cell.mean)
    return RobustnessReport(
        id="5d0f1c7ab2e94d6c8f3a1b2c3d4e5f60",
        created_at=datetime(2026, 11, 22, 20, 53, 7, tzinfo=UTC),
        policy=_policy(),
        env=spec.filled().env.model_dump(mode="json"),
        spec=spec.filled().model_dump(mode="json"),
        cells=[_cell("none", 0.0, seeds, per_seed), *attacked],
        greedy_cells=[
            _cell("ce", epsilon, seeds, per_seed).model_copy(
                update={"action_mode": "greedy", "label": f"ce@{epsilon:g} (greedy)", "distinct_trajectories": 14}
            )
            for epsilon in epsilons
        ],
        reference=Reference(
            random_policy=RandomPolicyReference(mean=RANDOM_POLICY, episodes=5, returns=[0, 2, 1, -1, 2])
        ),
        worst_case=WorstCase(
            attack=worst.attack,
            label=worst.label,
            epsilon=worst.epsilon,
            mean=worst.mean,
            ci95=worst.ci95,
            normalized=worst.normalized,
            normalized_ci95=worst.normalized_ci95,
            difference_to_clean=worst.difference_to_clean,
            difference_ci95=worst.difference_ci95,
            selection="held_out",
        ),
        verdict="Under its worst attack (ce, epsilon 4) the policy keeps none of its score: 72.4 falls to -13.1",
        warnings=["15 episodes a cell give wide intervals; tier `standard` plays 150"],
        environment_steps=148_213,
        wall_time_s=211.4,
        versions={
            "saddlepoint": "0.1.0",
            "torch": "2.13.0+cpu",
            "ale-py": "0.12.1",
            "gymnasium": "1.4.0",
            "python": "3.11.7",
        },
        protocol={
            "version": 1,
            "action_mode": "sample",
            "precision": "bf16",
            "frames_per_episode": 108_000,
            "noop_max": 30,
            "score": "raw return of the whole game",
            "lanes": 16,
            "threads": 1,
        },
        statistics={"confidence": 0.95, "resamples": 10_000, "bootstrap_seed": 0, "interval": "t below 30 episodes"},
    )


def _cell(kind: str, epsilon: float, seeds: int, per_seed: int) -> Cell:
    rng = np.random.default_rng([len(kind), ord(kind[0]), round(epsilon * 1000)])
    count = seeds * per_seed
    loss = {"none": 0.0, "random": 0.5, "max": 14.0, "min": 17.0, "ce": 21.0}[kind] * min(epsilon, 4.5)
    returns = np.clip(np.round(CLEAN - loss + rng.normal(0, 9, count)), -100, 100)
    mean, half = float(returns.mean()), float(2.14 * returns.std(ddof=1) / count**0.5)
    gradient = kind in ("max", "min", "ce")
    attacked = kind != "none"
    return Cell(
        attack=kind,
        label=kind,
        epsilon=epsilon,
        steps=7 if gradient else 0,
        step_size=epsilon / 2 if gradient else 0.0,
        action_mode="sample",
        episodes=count,
        seeds=[seed for seed in range(seeds) for _ in range(per_seed)],
        returns=returns.tolist(),
        lengths=rng.integers(900, 1790, count).tolist(),
        mean=mean,
        std=float(returns.std(ddof=1)),
        ci95=(mean - half, mean + half),
        ci95_method="t",
        median=float(np.median(returns)),
        iqm=mean + 0.4,
        cvar10=float(np.sort(returns)[: max(1, count // 10)].mean()),
        worst_seed=1,
        worst_seed_mean=mean - 3,
        normalized=(mean - RANDOM_POLICY) / (CLEAN - RANDOM_POLICY),
        normalized_ci95=None,
        difference_to_clean=mean - CLEAN if attacked else None,
        difference_ci95=(mean - CLEAN - half, mean - CLEAN + half) if attacked else None,
        flip_rate=min(0.93, loss / 90) if attacked else None,
        mean_kl=loss / 37 if attacked else None,
        mean_tv=min(0.9, loss / 100) if attacked else None,
        max_linf=epsilon,
        attacked_share=1.0 if attacked else 0.0,
        distinct_trajectories=count,
        health=AttackHealth(zero_gradient=0.0002, loss_rises=0.997, mean_loss=loss / 20, mean_best_loss=loss / 19)
        if gradient
        else None,
        warnings=[],
    )


def _policy() -> dict[str, object]:
    return {
        "id": "9b1c6f0e2d7a4b83a5c1d2e3f4a5b6c7",
        "name": "boxing-standard-2m",
        "created_at": "2026-11-22T18:00:00Z",
        "format": "safetensors",
        "architecture": "nature-cnn",
        "head": "logits",
        "observation": {"shape": [4, 84, 84], "dtype": "float32"},
        "outputs": [{"name": "logits", "shape": [18]}, {"name": "value", "shape": [1]}],
        "actions": 18,
        "parameters": 1_693_362,
        "sha256": "0c4f" * 16,
        "canonical_sha256": "7be1" * 16,
        "size": 3_389_120,
        "contents": ["conv1.weight (32, 4, 8, 8) float16", "hidden.weight (512, 3136) float16"],
        "guesses": [],
        "max_disagreement": 3.1e-6,
    }
