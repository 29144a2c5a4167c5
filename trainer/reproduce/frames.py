"""Figure 6: a frame, what the policy attack adds to it, and what the policy is given."""

from contextlib import closing
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saddlepoint.attacks.ball import Bounds
from saddlepoint.attacks.pgd import perturb
from saddlepoint.attacks.rows import uniform_rows as same_attack
from saddlepoint.envs.describe import describe
from saddlepoint.envs.lanes import make_lanes
from saddlepoint.envs.seeding import Purpose, episode_seed, uniform_rows
from saddlepoint.evaluation.choosing import Choice, choice_of
from saddlepoint.evaluation.landscape import Columns
from saddlepoint.evaluation.png import to_png
from saddlepoint.policies import load_network
from saddlepoint.policies.network import PolicyNetwork
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.plans import head_of
from trainer.reproduce.models import StoredPolicy

STEP = 60
"""Agent steps from the start of episode 0, where it is that long."""
_STEPS = 7
_WIDTH = 252
"""Of a drawn frame, in pixels, at least."""
_FRAME = 6
_COLOUR = (10, 90, 156)


@torch.no_grad()
def make_frames(
    policy: StoredPolicy, env: EnvironmentSpec, epsilon: float, epsilon_scale: tuple[float, ...] | None
) -> Columns:
    """`clean` and `attacked`, (*obs) float32, and `unit`, epsilon in each entry."""
    environment = describe(env)
    network, choice = load_network(policy.model), choice_of(head_of(policy.card), environment)
    clean = _state(network, choice, env)
    bounds = Bounds.of(environment.observation, scale=epsilon_scale)
    attack = ResolvedAttack(kind="ce", epsilon=epsilon, steps=_STEPS, step_size=epsilon / 2)
    noise = torch.from_numpy(uniform_rows([0], [0], [STEP], Purpose.START_NOISE, clean.shape))
    head = choice.head(torch.zeros(1, dtype=torch.bool))
    found = perturb(network, torch.from_numpy(clean)[None], same_attack(attack, 1), noise, bounds, head=head)
    unit = np.full(clean.shape, epsilon, np.float32)
    if bounds.scale is not None:
        unit = unit * bounds.scale.numpy().reshape(clean.shape)
    return {"clean": clean, "attacked": found.observation[0].numpy(), "unit": unit}


def _state(network: PolicyNetwork, choice: Choice, env: EnvironmentSpec) -> NDArray[np.float32]:
    """Where the policy's own play, sampled from its first random numbers, comes to."""
    with closing(make_lanes(env, 1)) as lanes:
        lanes.reset([0], [episode_seed(0, 0)])
        for step in range(STEP + 1):
            state: NDArray[np.float32] = lanes.observations[0].astype(np.float32)
            outputs = network(torch.from_numpy(state)[None]).head
            actions = choice.greedy(outputs)
            if network.head in ("logits", "gaussian"):
                choice.sample_(actions, outputs, [0], ([0], [0], [step]))
            result = lanes.step(actions)
            if result.terminated[0] or result.truncated[0]:
                break
    return state


def picture(frames: Columns) -> bytes:
    """PNG: the clean frame, the perturbation from -epsilon (black) to epsilon (white), the attacked frame.

    Of a stack of frames the newest; a vector is one row.
    """
    clean, attacked = _plane(frames["clean"]), _plane(frames["attacked"])
    low, high = min(clean.min(), attacked.min()), max(clean.max(), attacked.max())
    added = (attacked - clean) / _plane(frames["unit"])
    shares = ((clean - low) / max(high - low, 1e-9), (added + 1) / 2, (attacked - low) / max(high - low, 1e-9))
    return to_png(np.concatenate([_framed(_grey(each)) for each in shares], axis=1))


def _framed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns, _ = pixels.shape
    framed = np.full((rows + 2 * _FRAME, columns + 2 * _FRAME, 3), _COLOUR, np.uint8)
    framed[_FRAME:-_FRAME, _FRAME:-_FRAME] = pixels
    return framed


def _plane(observation: NDArray[np.float32]) -> NDArray[np.float32]:
    if observation.ndim == 3:
        return observation[..., -1] if observation.shape[-1] < observation.shape[0] else observation[-1]
    return observation if observation.ndim == 2 else observation.reshape(1, -1)


def _grey(shares: NDArray[Any]) -> NDArray[np.uint8]:
    """(R, C) of 0..1 -> (R k, C k, 3) grey levels."""
    levels = (np.clip(shares, 0.0, 1.0) * 255).round().astype(np.uint8)
    factor = -(-_WIDTH // levels.shape[1])
    return np.repeat(np.kron(levels, np.ones((factor, factor), np.uint8))[..., None], 3, axis=2)
