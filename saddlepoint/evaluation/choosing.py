"""From what a policy says to the action that is played, and how far two answers are apart: by kind of policy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.attacks.continuous import ActionBounds, kl_loss
from saddlepoint.attacks.heads import Categorical, Continuous, Head
from saddlepoint.envs.ahead import Ahead
from saddlepoint.envs.seeding import Integers, Purpose, gumbel_rows, normal_rows, uniform_rows
from saddlepoint.errors import ActionMismatch
from saddlepoint.schemas.environments import ContinuousSpace, DiscreteSpace, EnvironmentDescription
from saddlepoint.schemas.plans import PolicyHead

Keys = tuple[Integers, Integers, Integers]
"""Seeds, episodes and steps of some lanes."""
Lanes = Sequence[int]


class Choice(Protocol):
    """What the numbers of a policy's head come to."""

    def head(self, greedy: Tensor, /) -> Head:
        """For an attack on a batch whose rows act greedily where `greedy` (N,) bool says so."""

    def greedy(self, outputs: Tensor, /) -> NDArray[Any]:
        """The actions without chance, (N,) int64 or (N, D) float32, to be changed in place."""

    def sample_(self, actions: NDArray[Any], outputs: Tensor, lanes: Lanes, keys: Keys, /) -> None:
        """Put samples of the policy into `lanes`."""

    def uniform_(self, actions: NDArray[Any], lanes: Lanes, keys: Keys, /) -> None:
        """Put actions of the random policy into `lanes`."""

    def differences(self, clean: Tensor, outputs: Tensor, /) -> dict[str, Tensor]:
        """(N,) each, under the names of `EpisodeResult`."""

    def answers(self, outputs: Tensor, /) -> NDArray[np.float32]:
        """(N, A) probabilities of a choice, or (N, D) the numbers of the greedy action."""

    def spread(self, outputs: Tensor, /) -> Tensor:
        """(N,): how far the most and the least likely action are apart in probability."""


def choice_of(head: PolicyHead, environment: EnvironmentDescription, device: torch.device | str = "cpu") -> Choice:
    """The kind of choice that a policy makes in this environment; `device` is where its outputs lie."""
    if isinstance(environment.action, DiscreteSpace):
        return Discrete(environment.action.n, Categorical(head.temperature))
    return Numbers(environment.action, head, device)


@dataclass(frozen=True)
class Discrete:
    """One of `n` actions."""

    n: int
    categorical: Categorical
    sampling: Ahead = field(default_factory=lambda: Ahead(Purpose.ACTION))

    def head(self, greedy: Tensor, /) -> Head:
        del greedy
        return self.categorical

    def greedy(self, outputs: Tensor) -> NDArray[Any]:
        actions: NDArray[np.int64] = self._log_p(outputs).argmax(axis=1)
        return actions

    def sample_(self, actions: NDArray[Any], outputs: Tensor, lanes: Lanes, keys: Keys) -> None:
        """By Gumbel-max on fp32 log-probabilities."""
        actions[lanes] = (self._log_p(outputs)[lanes] + self.sampling.gumbel_rows(*keys, self.n)).argmax(axis=1)

    def uniform_(self, actions: NDArray[Any], lanes: Lanes, keys: Keys) -> None:
        actions[lanes] = gumbel_rows(*keys, Purpose.RANDOM_POLICY, self.n).argmax(axis=1)

    def differences(self, clean: Tensor, outputs: Tensor) -> dict[str, Tensor]:
        before, after = self.categorical.logits(clean), self.categorical.logits(outputs)
        log_p, log_q = before.log_softmax(dim=1), after.log_softmax(dim=1)
        p, q = log_p.exp(), log_q.exp()
        return {
            "flips": after.argmax(dim=1) != before.argmax(dim=1),
            "kl_sum": (p * (log_p - log_q)).sum(dim=1).clamp_min(0.0),
            "tv_sum": (p - q).abs().sum(dim=1) / 2,
        }

    def answers(self, outputs: Tensor) -> NDArray[np.float32]:
        return np.exp(self._log_p(outputs))

    def spread(self, outputs: Tensor) -> Tensor:
        p = self.categorical.logits(outputs).softmax(dim=1)
        return p.amax(dim=1) - p.amin(dim=1)

    def _log_p(self, outputs: Tensor) -> NDArray[np.float32]:
        log_p: NDArray[np.float32] = self.categorical.logits(outputs).log_softmax(dim=1).cpu().numpy()
        if not np.isfinite(log_p).all():
            raise ActionMismatch(
                "Actions must have finite scores; the policy gave NaN or infinity. "
                "Check its normalisation, or lower epsilon: numbers may overflow on what it never saw."
            )
        return log_p


class Numbers:
    """An action of `n` numbers, within the bounds of the space."""

    def __init__(self, space: ContinuousSpace, head: PolicyHead, device: torch.device | str) -> None:
        bounds = ActionBounds.of(space)
        low, high = bounds.low.numpy(), bounds.high.numpy()
        self._bounds = ActionBounds(bounds.low.to(device), bounds.high.to(device))
        self._finite = np.isfinite(low) & np.isfinite(high)
        self._low, self._high, self._n, self._kind = low, high, space.n, head
        self._view = self.head(torch.zeros(0, dtype=torch.bool))

    def head(self, greedy: Tensor, /) -> Continuous:
        return Continuous(
            self._bounds,
            greedy,
            is_gaussian=self._kind.kind == "gaussian",
            squash=self._kind.squash == "tanh",
            fixed_deviation=self._kind.fixed_deviation,
        )

    def greedy(self, outputs: Tensor) -> NDArray[Any]:
        actions: NDArray[np.float32] = self._view.played(outputs).cpu().numpy().copy()
        return actions

    def sample_(self, actions: NDArray[Any], outputs: Tensor, lanes: Lanes, keys: Keys) -> None:
        policy = self._view.gaussian(outputs)
        noise = torch.from_numpy(normal_rows(*keys, Purpose.ACTION, self._n)).to(outputs.device)
        drawn = policy.mean[lanes] + policy.log_std[lanes].exp() * noise
        actions[lanes] = self._bounds.executed(drawn, squash=self._kind.squash == "tanh").cpu().numpy()

    def uniform_(self, actions: NDArray[Any], lanes: Lanes, keys: Keys) -> None:
        """Uniform within the bounds, and a standard normal number where there are none."""
        uniform = uniform_rows(*keys, Purpose.RANDOM_POLICY, (self._n,))
        low, high = np.where(self._finite, self._low, 0), np.where(self._finite, self._high, 0)
        normal = normal_rows(*keys, Purpose.RANDOM_POLICY, self._n)
        drawn = np.where(self._finite, low + uniform * (high - low), normal)
        actions[lanes] = np.clip(drawn, self._low, self._high)

    def differences(self, clean: Tensor, outputs: Tensor) -> dict[str, Tensor]:
        shift = self._view.played(outputs) - self._view.played(clean)
        found = {"action_shift_sum": shift.square().mean(dim=1).sqrt()}
        if self._kind.kind == "gaussian":
            before, after = self._view.gaussian(clean), self._view.gaussian(outputs)
            found["kl_sum"] = kl_loss(after, before, before.mean).clamp_min(0.0)
        return found

    def answers(self, outputs: Tensor) -> NDArray[np.float32]:
        return self.greedy(outputs)

    def spread(self, outputs: Tensor) -> Tensor:
        raise ValueError("an action of numbers has no probabilities")
