"""Choosing the actions of a batch of lanes, each under its own attack."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.attacks.ball import Bounds
from saddlepoint.attacks.frames import Frames, carry, tied_to_newest
from saddlepoint.attacks.network import Answer, AttackedNetwork, Critic
from saddlepoint.attacks.pgd import Extras, Perturbed, perturb
from saddlepoint.attacks.rows import Rows
from saddlepoint.envs.ahead import Ahead
from saddlepoint.envs.seeding import Purpose, stream, uniform_rows
from saddlepoint.evaluation.choosing import Choice, Keys, choice_of
from saddlepoint.evaluation.lanes import Episode
from saddlepoint.evaluation.measures import Measures, compare_precisions, measure
from saddlepoint.evaluation.probes import probe
from saddlepoint.evaluation.timing import acts_now
from saddlepoint.schemas.attacks import MOST_TRIES, ResolvedAttack
from saddlepoint.schemas.plans import Plan, PlannedCell

Episodes = Sequence[Episode | None]
"""One a lane; None in an idle one."""

CHECK_STEP = 8
"""Of every first episode of a seed: where an attack is looked at more closely."""
PROBED_SEEDS = 8
"""The first ones of a plan: whose attacks are compared with others on the same states."""
CPU = torch.device("cpu")
_NO_ATTACK = ResolvedAttack(kind="none")


class PlayedNetwork(AttackedNetwork, Protocol):
    """A policy's network with all that it says."""

    @property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of what a recurrent policy carries, without the batch."""

    def forward_attack(self, arranged: Tensor, states: tuple[Tensor, ...] = (), *, with_value: bool = False) -> Any:
        """Head, states and, on request, value."""

    def critic(self, arranged: Tensor, states: tuple[Tensor, ...] = (), /) -> Critic | None:
        """What the actions are worth there; None where nothing but the head could say."""


@dataclass(frozen=True)
class Networks:
    """One policy several times: `acting` in fp32 chooses actions and is measured, `attacked` gives the gradients."""

    acting: PlayedNetwork
    attacked: PlayedNetwork
    device: torch.device = CPU
    """Where both lie, and all that is computed with them."""
    black_box: PlayedNetwork | None = None
    """What a search without gradients asks; None for `acting`."""


@dataclass(frozen=True)
class _Remembering:
    """A recurrent network at the states that its lanes carry: an attack sees a function of the observation alone."""

    network: PlayedNetwork
    states: tuple[Tensor, ...]

    @property
    def dtype(self) -> torch.dtype:
        return self.network.dtype

    def to_attack_layout(self, observation: Tensor, /) -> Tensor:
        return self.network.to_attack_layout(observation)

    def from_attack_layout(self, arranged: Tensor, /) -> Tensor:
        return self.network.from_attack_layout(arranged)

    def forward_attack(self, arranged: Tensor, /) -> Answer:
        answer: Answer = self.network.forward_attack(arranged, self.states)
        return answer


@dataclass(frozen=True)
class Decision:
    actions: NDArray[Any]
    """(lanes,) int64 or (lanes, D) float32; meaningless in an idle one."""
    measures: Measures
    observation: Tensor
    """(lanes, *obs): what there was to see, until the next decision."""
    perturbed: Perturbed
    """What became of it."""


@dataclass(frozen=True)
class _Assigned:
    """What stays the same in all lanes until an episode ends."""

    busy: list[int]
    idle: list[int]
    sampling: list[int]
    """The lanes that act by chance."""
    uniform: list[int]
    """Those of the random policy."""
    seeds: NDArray[np.int64]
    episodes: NDArray[np.int64]
    """(lanes,), 0 in idle ones."""

    @classmethod
    def of(cls, episodes: Episodes) -> "_Assigned":
        lanes = list(enumerate(episodes))
        return cls(
            busy=[lane for lane, episode in lanes if episode is not None],
            idle=[lane for lane, episode in lanes if episode is None],
            sampling=[lane for lane, episode in lanes if episode and _samples(episode)],
            uniform=[lane for lane, episode in lanes if episode and episode.cell.role == "random_policy"],
            seeds=np.array([episode.entry.seed if episode else 0 for episode in episodes], np.int64),
            episodes=np.array([episode.entry.episode if episode else 0 for episode in episodes], np.int64),
        )

    def keys(self, steps: NDArray[np.int64], lanes: Sequence[int] | NDArray[np.int64]) -> Keys:
        """Seeds, episodes and steps of busy lanes; `steps` are those of all."""
        return self.seeds[lanes], self.episodes[lanes], steps[lanes]


class Actor:
    """The attacker and the policy behind it, for batches of a fixed width.

    An idle lane's row is a copy of another's, so that the width never changes: the last bits of a row depend on it.
    All randomness is keyed (seed, episode, step, purpose) and so the same under every attack.
    """

    def __init__(self, networks: Networks, plan: Plan, lanes: int) -> None:
        environment = plan.environment
        self._networks, self._device = networks, networks.device
        self._choice, self._beside = (choice_of(plan.head, environment, self._device) for _ in range(2))
        self._bounds = Bounds.of(environment.observation, self._device, scale=plan.epsilon_scale)
        self._probed_seeds = _first_seeds(entry.seed for shard in plan.shards for entry in shard.entries)
        shape = (lanes, *environment.observation.shape)
        self._observations, self._noise = (_copied_from(shape, self._device) for _ in range(2))
        self._states = tuple(torch.zeros(lanes, *own, device=self._device) for own in networks.acting.state_shapes)
        self._carried: Tensor | None = None
        self._start = Ahead(Purpose.START_NOISE)
        self._rows = Rows.of([_attack_of(None)] * lanes, self._device)
        self._head = self._choice.head(torch.zeros(lanes, dtype=torch.bool, device=self._device))
        self._assigned = _Assigned.of([None] * lanes)
        self._steps = _steps_of([None] * lanes)

    def assign(self, episodes: Episodes) -> None:
        """Tell which episodes the lanes play from now on."""
        self._assigned = _Assigned.of(episodes)
        self._rows = Rows.of([_attack_of(episode) for episode in episodes], self._device)
        greedy = [episode is not None and episode.cell.action_mode == "greedy" for episode in episodes]
        self._head = self._choice.head(torch.tensor(greedy, device=self._device))
        fresh = [lane for lane, episode in enumerate(episodes) if episode is None or episode.length == 0]
        for state in self._states:
            state[fresh] = 0
        if bool(self._rows.frame_consistent.any()):
            carried = self._zeros() if self._carried is None else self._carried
            carried[fresh] = 0
            self._carried = carried
        else:
            self._carried = None

    def act(self, observations: NDArray[np.generic], episodes: Episodes) -> Decision:
        """The actions at `observations` (lanes, *obs), in the environment's own units."""
        with torch.no_grad():
            observation, self._steps = self._seen(observations), _steps_of(episodes)
            attack = self._attack(observation, episodes, self._rows, self._head)
            perturbed = attack.run(attack.rows)
            measures = measure(perturbed, attack.rows.in_a_ball, self._choice)
            self._look_closer(attack, perturbed, measures, episodes)
            self._remember(observation, perturbed)
            actions = _chosen(self._choice, perturbed.outputs, self._assigned, self._steps)
            return Decision(actions, measures, observation, perturbed)

    def look(self, observations: NDArray[np.generic], episodes: Episodes, cell: PlannedCell) -> Measures:
        """What the attack of another cell would do to every lane that plays; no step is taken, nothing remembered."""
        attacks = [_attack_of(None) if episode is None else cell.attack for episode in episodes]
        greedy = torch.full((len(episodes),), cell.action_mode == "greedy", device=self._device)
        with torch.no_grad():
            observation, self._steps = self._seen(observations), _steps_of(episodes)
            attack = self._attack(observation, episodes, Rows.of(attacks, self._device), self._choice.head(greedy))
            return measure(attack.run(attack.rows), attack.rows.in_a_ball, self._choice)

    def answers(self, outputs: Tensor) -> NDArray[np.float32]:
        """What `outputs` say, for a reader: see `Choice.answers`."""
        return self._choice.answers(outputs)

    def _seen(self, observations: NDArray[np.generic]) -> Tensor:
        """float32, with a busy lane's observation in the idle ones."""
        np.copyto(self._observations, observations, casting="unsafe")
        if self._assigned.idle:
            self._observations[self._assigned.idle] = self._observations[self._assigned.busy[0]]
        return self._there(self._observations)

    def _there(self, values: NDArray[Any]) -> Tensor:
        """`values` where the networks are; on the CPU the same memory."""
        return torch.from_numpy(values).to(self._device, non_blocking=True)

    def _zeros(self) -> Tensor:
        return torch.zeros(self._observations.shape, device=self._device)

    def _attack(self, observation: Tensor, episodes: Episodes, wanted: Rows, head: Any) -> "_Attack":
        acting = acts_now(wanted.rules, episodes, lambda: self._clean(observation, wanted)) if wanted.rules else None
        rows = wanted if acting is None else wanted.only(self._there(acting))
        return _Attack(
            _at(self._networks.acting, self._states),
            _at(self._networks.attacked, self._states),
            _at(self._networks.black_box or self._networks.acting, self._states),
            observation,
            rows,
            self._start_noise(rows),
            self._bounds,
            head,
            Extras(
                restart_noise=self._restart_noise,
                frames=self._frames(observation, rows, episodes),
                streams=_searches(rows, episodes),
                critic=self._critic(observation) if rows.asks_critic else None,
            ),
        )

    def _critic(self, observation: Tensor) -> Critic | None:
        network = self._networks.acting
        return network.critic(network.to_attack_layout(observation), self._states)

    def _clean(self, observation: Tensor, rows: Rows) -> tuple[Tensor | None, Tensor | None]:
        network = self._networks.acting
        answer = network.forward_attack(network.to_attack_layout(observation), self._states, with_value=True)
        has_gaps = any(own.when.kind == "preference_gap" for own in rows.attacks)
        return answer.value, self._choice.spread(answer.head) if has_gaps else None

    def _look_closer(self, attack: "_Attack", perturbed: Perturbed, measures: Measures, episodes: Episodes) -> None:
        """Add what the checks of precision and strength find, at the few steps where they are due."""
        if not (self._steps == CHECK_STEP).any():
            return
        climbs = attack.rows.climbs
        due = climbs & [e is not None and (e.entry.episode, e.length) == (0, CHECK_STEP) for e in episodes]
        if due.any() and self._networks.attacked is not self._networks.acting:
            fp32 = attack.run(attack.rows, precisely=True)
            measures.sums.update(compare_precisions(perturbed, fp32, due, self._choice))
        due = due & [e is not None and e.entry.seed in self._probed_seeds for e in episodes]
        if due.any():
            measures.sums.update(probe(attack.run, attack.rows, perturbed, due, self._choice))

    def _remember(self, observation: Tensor, perturbed: Perturbed) -> None:
        """What the next step follows from: the states, and the perturbations that the frames carry."""
        for state, following in zip(self._states, perturbed.states, strict=True):
            state.copy_(following)
        if self._carried is not None:
            self._carried = carry(perturbed.observation - observation)

    def _start_noise(self, rows: Rows) -> Tensor | None:
        """Uniform in [0, 1) where a row has a ball; what other rows hold is multiplied by an epsilon of 0."""
        lanes = np.flatnonzero(rows.in_a_ball)
        if not len(lanes):
            return None
        out = self._noise if len(lanes) == len(self._noise) else None
        noise = self._start.uniform_rows(*self._assigned.keys(self._steps, lanes), self._noise.shape[1:], out=out)
        if out is None:
            self._noise[lanes] = noise
        return self._there(self._noise)

    def _restart_noise(self, number: int) -> Tensor:
        lanes = self._assigned.busy
        seeds, numbers, steps = self._assigned.keys(self._steps, lanes)
        places = [MOST_TRIES * step + number for step in steps]
        noise = np.zeros(self._noise.shape, np.float32)
        noise[lanes] = uniform_rows(seeds, numbers, places, Purpose.RESTART, self._noise.shape[1:])
        return self._there(noise)

    def _frames(self, observation: Tensor, rows: Rows, episodes: Episodes) -> Frames | None:
        if not bool(rows.frame_consistent.any()):
            return None
        carried = self._zeros() if self._carried is None else self._carried
        first = [episode is not None and episode.length == 0 for episode in episodes]
        is_first = torch.tensor(first, device=self._device)
        return Frames(rows.frame_consistent, carried, tied_to_newest(observation) & is_first.unsqueeze(1))

    def choose(self, outputs: Tensor, episodes: Episodes) -> NDArray[Any]:
        """Greedy where the cell is; else a sample of the policy, or of the uniform one. A row an episode.

        By a choice of its own: the one of `act` makes the numbers of all lanes ahead, which single ones would stop.
        """
        return _chosen(self._beside, outputs, _Assigned.of(episodes), _steps_of(episodes))


@dataclass(frozen=True)
class _Attack:
    """Everything that decides what happens to the observations of one step, but for the rows."""

    acting: AttackedNetwork
    attacked: AttackedNetwork
    black_box: AttackedNetwork
    observation: Tensor
    rows: Rows
    noise: Tensor | None
    bounds: Bounds
    head: Any
    extras: Extras

    def run(self, rows: Rows, *, precisely: bool = False) -> Perturbed:
        """Attack with other `rows`; `precisely` takes fp32 gradients."""
        return perturb(
            self.acting,
            self.observation,
            rows,
            self.noise,
            self.bounds,
            head=self.head,
            attack_network=self.acting if precisely else self.attacked,
            black_box=self.black_box,
            extras=self.extras,
        )


def _copied_from(shape: tuple[int, ...], device: torch.device) -> NDArray[np.float32]:
    """Zeros in memory of the host, which a GPU copies from by itself."""
    zeros: NDArray[np.float32] = torch.zeros(shape, pin_memory=device.type == "cuda").numpy()
    return zeros


def _at(network: PlayedNetwork, states: tuple[Tensor, ...]) -> AttackedNetwork:
    return _Remembering(network, states) if states else network


def _searches(rows: Rows, episodes: Episodes) -> list[np.random.Generator | None] | None:
    if not bool(rows.square.any()):
        return None
    return [
        stream(episode.entry.seed, episode.entry.episode, episode.length, Purpose.SEARCH)
        if wanted and episode
        else None
        for wanted, episode in zip(rows.square.tolist(), episodes, strict=True)
    ]


def _chosen(choice: Choice, outputs: Tensor, assigned: _Assigned, steps: NDArray[np.int64]) -> NDArray[Any]:
    actions = choice.greedy(outputs)
    if assigned.sampling:
        choice.sample_(actions, outputs, assigned.sampling, assigned.keys(steps, assigned.sampling))
    if assigned.uniform:
        choice.uniform_(actions, assigned.uniform, assigned.keys(steps, assigned.uniform))
    return actions


def _steps_of(episodes: Episodes) -> NDArray[np.int64]:
    """(lanes,): how far each is, 0 in an idle one."""
    return np.array([episode.length if episode else 0 for episode in episodes], np.int64)


def _first_seeds(seeds: Iterable[int]) -> frozenset[int]:
    return frozenset(sorted(set(seeds))[:PROBED_SEEDS])


def _samples(episode: Episode) -> bool:
    return episode.cell.role != "random_policy" and episode.cell.action_mode == "sample"


def _attack_of(episode: Episode | None) -> ResolvedAttack:
    return _NO_ATTACK if episode is None else episode.cell.attack
