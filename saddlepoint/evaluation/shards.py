"""Playing a shard: every episode of a planned list, to its end, many at a time."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial

import torch

from saddlepoint.envs.lanes import Actions, LaneEnvironment, LaneStep, make_lanes
from saddlepoint.evaluation.acting import CPU, Actor, Networks
from saddlepoint.evaluation.lanes import Episode, Totals, digested
from saddlepoint.evaluation.memory import keep_freed_memory
from saddlepoint.evaluation.recorder import Recorder
from saddlepoint.evaluation.steps import StepsTaken
from saddlepoint.evaluation.traces import Trace, traced
from saddlepoint.policies.black_box import BlackBox
from saddlepoint.policies.network import load_network
from saddlepoint.schemas.attacks import AttackKind
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, Plan, Shard

Finished = Callable[[int, int, int], bool]
Put = Callable[[EpisodeResult], None]
Heartbeat = Callable[[StepsTaken], None]
Keep = Callable[[EpisodeResult, Trace], None]
GROUPS = {"cpu": 1, "cuda": 2}
"""Of lanes, by where the networks lie: beside a GPU one group's emulators step while the other's rows are attacked; on
the CPU both would want the one core that a worker has."""


def play_shard(
    plan: Plan,
    shard: Shard,
    model: bytes,
    *,
    finished: Finished,
    put: Put,
    heartbeat: Heartbeat,
    keep: Keep | None = None,
    groups: int | None = None,
) -> None:
    """Play every entry of `shard` that is not finished with the canonical ONNX `model`.

    `finished(cell, seed, episode)` is asked once an entry, right before it would start; `put` is called with every
    result as soon as there is one, right after `keep` with its trace if it leaves one; `heartbeat` with the steps
    taken here so far after every step of a batch, and may raise (Canceled) to stop. `groups` of lanes, as many as suit
    the device if None, change no result. Sets torch's thread count to the plan's and how this process holds memory.
    """
    torch.set_num_threads(plan.threads)
    keep_freed_memory()
    networks = load_networks(plan, model)
    rounds = -(-len(shard.entries) // shard.lanes)
    with ExitStack() as stack:
        environments = [
            stack.enter_context(closing(_make_lanes(plan, shard)))
            for _ in range(min(groups or GROUPS[networks.device.type], rounds))
        ]
        play(plan, shard, networks, environments, finished=finished, put=put, heartbeat=heartbeat, keep=keep)


def _make_lanes(plan: Plan, shard: Shard) -> LaneEnvironment:
    return make_lanes(plan.environment.env, shard.lanes, max_episode_steps=plan.max_episode_steps, threads=plan.threads)


def load_networks(plan: Plan, model: bytes) -> Networks:
    """The canonical ONNX `model` as it acts and as it is attacked, on a GPU where there is one."""
    device = torch.device("cuda") if torch.cuda.is_available() else CPU
    acting = load_network(model).to(device)
    attacked = acting if plan.precision == "fp32" else load_network(model, precision=plan.precision).to(device)
    searched = any(cell.attack.kind == "square" for cell in plan.cells)
    return Networks(acting, attacked, device, BlackBox(acting, model) if searched else None)


def play(
    plan: Plan,
    shard: Shard,
    networks: Networks,
    environments: Sequence[LaneEnvironment],
    *,
    finished: Finished,
    put: Put,
    heartbeat: Heartbeat,
    keep: Keep | None = None,
) -> None:
    """`play_shard` with what it loads; each environment is a group of lanes, whose rows are a batch.

    The n-th entry is played in row n modulo `shard.lanes` of the batch of its group, and lanes play theirs in this
    order: in some networks the last bits of a row depend on its place in the batch, and an episode has the same place
    whatever else is finished already and however many groups there are. While one group is attacked, the environments
    of the others step in threads.
    """
    shown = frozenset() if keep is None else traced(plan)
    runs = [_Run(plan, shard, networks, environments, group, shown) for group in range(len(environments))]
    with ThreadPoolExecutor(len(runs)) as threads:
        depart = _at_once if len(runs) == 1 else partial(_beside, threads)
        flying = deque((run, depart(run.environment, run.act())) for run in runs if run.fill(finished))
        while flying:
            run, step = flying.popleft()
            for result, trace in run.arrive(step()):
                if keep is not None and trace is not None:
                    keep(result, trace)
                put(result)
            heartbeat(sum((each.taken for each in runs), StepsTaken()))
            if run.fill(finished):
                flying.append((run, depart(run.environment, run.act())))


def _at_once(environment: LaneEnvironment, actions: Actions) -> Callable[[], LaneStep]:
    return partial(environment.step, actions)


def _beside(threads: ThreadPoolExecutor, environment: LaneEnvironment, actions: Actions) -> Callable[[], LaneStep]:
    return threads.submit(environment.step, actions).result


class _Run:
    """One group of a shard under way."""

    def __init__(
        self,
        plan: Plan,
        shard: Shard,
        networks: Networks,
        environments: Sequence[LaneEnvironment],
        group: int,
        shown: frozenset[EpisodeId],
    ) -> None:
        self.environment = environments[group]
        self._cells = plan.cells
        first, stride = group * shard.lanes, len(environments) * shard.lanes
        self._waiting = [deque(shard.entries[first + lane :: stride]) for lane in range(shard.lanes)]
        self._episodes: list[Episode | None] = [None] * shard.lanes
        self._actor = Actor(networks, plan, shard.lanes)
        self._totals = Totals(shard.lanes)
        self._shown, self._shape = shown, plan.environment.observation.shape
        self._recorders: dict[int, Recorder] = {}
        self._agent_steps, self._attack_steps = 0, Counter[AttackKind]()
        self._steps_of_cells = [cell.attack.steps_in_all for cell in plan.cells]

    @property
    def taken(self) -> StepsTaken:
        """So far."""
        return StepsTaken(self._agent_steps, self._attack_steps)

    def fill(self, finished: Finished) -> bool:
        """Start the next episode of every idle lane that has one; whether anything is being played."""
        idle = [lane for lane, episode in enumerate(self._episodes) if episode is None]
        started = [episode for lane in idle if (episode := self._next(lane, finished)) is not None]
        for episode in started:
            self._episodes[episode.lane] = episode
            self._totals.clear(episode.lane)
            if episode.entry in self._shown:
                self._recorders[episode.lane] = Recorder(episode, self._shape)
        if started:
            lanes, seeds = [e.lane for e in started], [e.environment_seed for e in started]
            self.environment.reset(lanes, seeds)
        if idle:
            self._actor.assign(self._episodes)
        return len(idle) - len(started) < len(self._episodes)

    def _next(self, lane: int, finished: Finished) -> Episode | None:
        while self._waiting[lane]:
            entry = self._waiting[lane].popleft()
            if not finished(*entry):
                return Episode(lane=lane, entry=entry, cell=self._cells[entry.cell])
        return None

    def act(self) -> Actions:
        """The actions of one step of every lane."""
        self._decision = self._actor.act(self.environment.observations, self._episodes)
        return self._decision.actions

    def arrive(self, after: LaneStep) -> list[tuple[EpisodeResult, Trace | None]]:
        """Take what the step brought; the results of the episodes that it ended, and the traces of those with one."""
        decision = self._decision
        self._totals.add(decision.measures)
        attacked, rewards = decision.measures.sums["attacked_steps"].tolist(), after.rewards.tolist()
        over, actions = (after.terminated | after.truncated).tolist(), digested(decision.actions)
        playing, ended = [episode for episode in self._episodes if episode is not None], []
        self._agent_steps += len(playing)
        for episode in playing:
            lane = episode.lane
            if attacked[lane]:
                self._attack_steps[episode.cell.attack.kind] += self._steps_of_cells[episode.entry.cell]
            if lane in self._recorders:
                self._recorders[lane].add(self._actor, decision, rewards[lane])
            episode.advance(actions[lane], rewards[lane])
            if over[lane]:
                recorder = self._recorders.pop(lane, None)
                result = episode.result(self._totals, truncated=bool(after.truncated[lane]))
                ended.append((result, recorder.trace() if recorder else None))
                self._episodes[lane] = None
        return ended
