"""Choosing the actions of a batch of lanes, each under its own attack."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from saddlepoint.attacks.ball import Bounds
from saddlepoint.attacks.network import AttackedNetwork
from saddlepoint.attacks.pgd import Perturbed, perturb
from saddlepoint.attacks.rows import Rows
from saddlepoint.envs.seeding import Purpose, gumbel_rows, uniform_rows
from saddlepoint.evaluation.lanes import Episode
from saddlepoint.evaluation.measures import Measures, compare, measure
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.environments import EnvironmentDescription

Episodes = Sequence[Episode | None]
"""One a lane; None in an idle one."""


PRECISION_CHECK_STEP = 8
"""Of every first episode of a seed: where gradients of lower precision are compared with fp32 ones."""


@dataclass(frozen=True)
class Networks:
    """One policy twice: `acting` in fp32 chooses actions and is measured, `attacked` gives the gradients."""

    acting: AttackedNetwork
    attacked: AttackedNetwork


@dataclass(frozen=True)
class Decision:
    actions: NDArray[np.int64]
    """(lanes,), meaningless in an idle one."""
    measures: Measures


class Actor:
    """The attacker and the policy behind it, for batches of a fixed width.

    An idle lane's row is a copy of another's, so that the width never changes: the last bits of a row depend on it.
    All randomness is keyed (seed, episode, step, purpose) and so the same under every attack.
    """

    def __init__(self, networks: Networks, environment: EnvironmentDescription, lanes: int) -> None:
        self._networks = networks
        self._actions = environment.action.n
        self._bounds = Bounds.of(environment.observation)
        shape = (lanes, *environment.observation.shape)
        self._observations, self._noise = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._rows = Rows.of([_attack_of(None)] * lanes)

    def assign(self, episodes: Episodes) -> None:
        """Tell which episodes the lanes play from now on."""
        self._rows = Rows.of([_attack_of(episode) for episode in episodes])

    def act(self, observations: NDArray[np.generic], episodes: Episodes) -> Decision:
        """The actions at `observations` (lanes, *obs), in the environment's own units."""
        np.copyto(self._observations, observations, casting="unsafe")
        busy = [lane for lane, episode in enumerate(episodes) if episode is not None]
        idle = [lane for lane, episode in enumerate(episodes) if episode is None]
        self._observations[idle] = self._observations[busy[0]]
        with torch.no_grad():
            observation, noise = torch.from_numpy(self._observations), self._start_noise(episodes)
            perturbed = self._perturb(self._networks.attacked, observation, noise)
            measures = measure(perturbed, (self._rows.epsilon > 0).numpy())
            checked = self._to_check(episodes)
            if checked.any():
                fp32 = self._perturb(self._networks.acting, observation, noise)
                measures.sums.update(compare(perturbed, fp32, checked))
            return Decision(self._choose(perturbed, episodes), measures)

    def _perturb(self, attacked: AttackedNetwork, observation: torch.Tensor, noise: torch.Tensor | None) -> Perturbed:
        return perturb(self._networks.acting, observation, self._rows, noise, self._bounds, attack_network=attacked)

    def _to_check(self, episodes: Episodes) -> NDArray[np.bool_]:
        if self._networks.attacked is self._networks.acting:
            return np.zeros(len(episodes), dtype=np.bool_)
        due = [e is not None and (e.entry.episode, e.length) == (0, PRECISION_CHECK_STEP) for e in episodes]
        climbs: NDArray[np.bool_] = (self._rows.steps > 0).numpy()
        return np.logical_and(climbs, due)

    def _start_noise(self, episodes: Episodes) -> torch.Tensor | None:
        """Uniform in [0, 1) where a row has a ball; what other rows hold is multiplied by an epsilon of 0."""
        lanes = [lane for lane, epsilon in enumerate(self._rows.epsilon.tolist()) if epsilon > 0]
        if not lanes:
            return None
        out = self._noise if len(lanes) == len(episodes) else None
        noise = uniform_rows(*_keys(episodes, lanes), Purpose.START_NOISE, self._noise.shape[1:], out=out)
        if out is None:
            self._noise[lanes] = noise
        return torch.from_numpy(self._noise)

    def _choose(self, perturbed: Perturbed, episodes: Episodes) -> NDArray[np.int64]:
        """Greedy where the cell is; else a sample of the policy, or of the uniform one, by Gumbel-max."""
        scores: NDArray[np.float32] = perturbed.logits.log_softmax(dim=1).numpy()
        sampling = [lane for lane, episode in enumerate(episodes) if episode and _samples(episode)]
        uniform = [lane for lane, episode in enumerate(episodes) if episode and episode.cell.role == "random_policy"]
        scores[uniform] = 0
        for lanes, purpose in ((sampling, Purpose.ACTION), (uniform, Purpose.RANDOM_POLICY)):
            scores[lanes] += gumbel_rows(*_keys(episodes, lanes), purpose, self._actions)
        actions: NDArray[np.int64] = scores.argmax(axis=1)
        return actions


def _samples(episode: Episode) -> bool:
    return episode.cell.role != "random_policy" and episode.cell.action_mode == "sample"


def _attack_of(episode: Episode | None) -> ResolvedAttack:
    return ResolvedAttack(kind="none") if episode is None else episode.cell.attack


def _keys(episodes: Episodes, lanes: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """Seeds, episodes and steps of the busy `lanes`."""
    running = [episode for lane in lanes if (episode := episodes[lane]) is not None]
    return [e.entry.seed for e in running], [e.entry.episode for e in running], [e.length for e in running]
