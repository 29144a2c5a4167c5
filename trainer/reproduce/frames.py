"""Figure 6: a frame, what the policy attack adds to it, and what the policy is given."""

from contextlib import closing

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
from saddlepoint.evaluation.pictures import enlarged, newest, shades
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
    clean, attacked, unit = (np.atleast_2d(newest(frames[name])) for name in ("clean", "attacked", "unit"))
    low, high = min(clean.min(), attacked.min()), max(clean.max(), attacked.max())
    reach = max(high - low, 1e-9)
    shares = ((clean - low) / reach, ((attacked - clean) / unit + 1) / 2, (attacked - low) / reach)
    factor = -(-_WIDTH // clean.shape[1])
    return to_png(np.concatenate([_framed(enlarged(shades(each), factor)) for each in shares], axis=1))


def _framed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns, _ = pixels.shape
    framed = np.full((rows + 2 * _FRAME, columns + 2 * _FRAME, 3), _COLOUR, np.uint8)
    framed[_FRAME:-_FRAME, _FRAME:-_FRAME] = pixels
    return framed
