"""How the numbers of a report were made: recorded in it, so that nobody has to guess."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from saddlepoint.evaluation import statistics
from saddlepoint.evaluation.acting import CHECK_STEP, PROBED_SEEDS
from saddlepoint.evaluation.clean_states import HORIZON, STATES
from saddlepoint.evaluation.probes import HUGE
from saddlepoint.schemas.environments import ATARI_MAX_FRAMES, EnvironmentSpec
from saddlepoint.schemas.plans import Plan

_PACKAGES = ("saddlepoint", "torch", "numpy", "gymnasium", "ale-py", "mujoco", "box2d", "onnx")


def versions() -> dict[str, str]:
    """Of Python and of every package that has a part in the numbers."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def protocol(plan: Plan) -> dict[str, Any]:
    """The rules that every episode of a plan was played by."""
    return {
        "version": plan.protocol_version,
        "score": "raw undiscounted return of the whole episode; no reward clipping, no episodic life",
        "episodes": "all decided before the first one started, and each played to its end",
        "pairing": "an episode has the same environment seed, start noise and sampling noise under every attack",
        "actions": {cell.label: cell.action_mode for cell in plan.cells},
        "reference": "uniform random actions",
        **_environment(plan),
        **_attack(plan),
        "threads": plan.threads,
        "lanes": plan.shards[0].lanes if plan.shards else 0,
    }


def _environment(plan: Plan) -> dict[str, Any]:
    env = plan.environment.env
    own = plan.environment.max_episode_steps
    limits = [limit for limit in (own, plan.max_episode_steps) if limit is not None]
    return {"max_episode_steps": min(limits, default=None), **(_preprocessing(env) if env.is_atari else {})}


def _preprocessing(env: EnvironmentSpec) -> dict[str, Any]:
    rows, columns = env.frame_size
    return {
        "frames": f"every {env.frameskip}th, maximum of the last two, {'grey' if env.grayscale else 'colour'}, "
        f"area-resized to {rows} x {columns}, {env.frame_stack} stacked",
        "sticky_actions": env.repeat_action_probability,
        "action_set": "all 18" if env.full_action_space else "minimal",
        "start": "up to 30 no-op actions, then FIRE where the game needs it",
        "max_frames": ATARI_MAX_FRAMES,
    }


def _attack(plan: Plan) -> dict[str, Any]:
    return {
        "epsilon": "radius of the ball around the observation, in observation units times epsilon_scale",
        "clip": "to the observation's bounds, widened to contain the clean observation, unless a cell says otherwise",
        "pgd": "uniform random start, sign steps (l2: along the gradient), projection after each, last iterate",
        "step_size": "epsilon / 2 unless given; each cell states its own",
        "gradients": plan.precision,
        "acting": "fp32; max_linf, flips and KL are of the fp32 policy at the float32 observation it was given",
        "precision_check": f"step {CHECK_STEP} of every first episode of a seed" if plan.precision != "fp32" else None,
        "strength": f"step {CHECK_STEP} of the first episodes of the first {PROBED_SEEDS} seeds, attacked again with "
        f"twice the steps, one more start, noise alone, and {HUGE:g} times epsilon",
        "clean_states": f"up to {STATES} states of the first unattacked episodes, evenly over their first {HORIZON} "
        "steps",
        "epsilon_scale": plan.epsilon_scale,
        "head": plan.head.model_dump(mode="json"),
    }


def statistics_used() -> dict[str, Any]:
    """What the report's statistics mean."""
    return {
        "confidence": statistics.CONFIDENCE,
        "resamples": statistics.RESAMPLES,
        "bootstrap_seed": statistics.BOOTSTRAP_SEED,
        "interval": f"Student's t below {statistics.BOOTSTRAP_FROM} episodes, expanded percentile bootstrap over "
        "episodes from there on, none for one episode",
        "meaning": "evaluation noise of this checkpoint; nothing is said about another training run",
        "iqm": "mean after cutting floor(n / 4) episodes at either end",
        "cvar10": "mean of the ceil(n / 10) worst episodes",
        "normalized": "(mean - random policy) / (clean - random policy); bootstrap of all three together, "
        "the means of each sample spread as Student's t has it",
        "worst_case": "lowest mean of all cells, chosen on one half of the seeds and reported on the other, both ways "
        "round; an upper bound of the true worst case",
        "worst_by_epsilon": "the same among the cells up to an epsilon: a larger budget includes a smaller one",
        "epsilon_half_score": "where the lowest normalised score up to an epsilon falls to 0.5, linear in between",
        "kl": "clean || perturbed, nats, mean over attacked steps",
    }
