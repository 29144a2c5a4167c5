"""Playing a shard: every episode of a planned list, to its end, many at a time."""

from collections import deque
from collections.abc import Callable
from contextlib import closing

import torch

from saddlepoint.envs.lanes import LaneEnvironment, make_lanes
from saddlepoint.evaluation.acting import Actor, Networks
from saddlepoint.evaluation.lanes import Episode, Totals
from saddlepoint.evaluation.memory import keep_freed_memory
from saddlepoint.policies.network import load_network
from saddlepoint.schemas.plans import EpisodeResult, Plan, Shard

Finished = Callable[[int, int, int], bool]
Put = Callable[[EpisodeResult], None]
Heartbeat = Callable[[int], None]


def play_shard(plan: Plan, shard: Shard, model: bytes, *, finished: Finished, put: Put, heartbeat: Heartbeat) -> None:
    """Play every entry of `shard` that is not finished with the canonical ONNX `model`.

    `finished(cell, seed, episode)` is asked once an entry, right before it would start; `put` is called with every
    result as soon as there is one; `heartbeat` with the agent steps played here so far after every step of the batch,
    and may raise (Canceled) to stop. Sets torch's thread count to the plan's and how this process holds memory.
    """
    torch.set_num_threads(plan.threads)
    keep_freed_memory()
    networks = load_networks(plan, model)
    environment = make_lanes(
        plan.environment.env, shard.lanes, max_episode_steps=plan.max_episode_steps, threads=plan.threads
    )
    with closing(environment):
        play(plan, shard, networks, environment, finished=finished, put=put, heartbeat=heartbeat)


def load_networks(plan: Plan, model: bytes) -> Networks:
    """The canonical ONNX `model` as it acts and as it is attacked."""
    acting = load_network(model)
    return Networks(acting, acting if plan.precision == "fp32" else load_network(model, precision=plan.precision))


def play(
    plan: Plan,
    shard: Shard,
    networks: Networks,
    environment: LaneEnvironment,
    *,
    finished: Finished,
    put: Put,
    heartbeat: Heartbeat,
) -> None:
    """`play_shard` with what it loads: lane k plays entries k, k + lanes, k + 2 lanes, ... in this order.

    Fixed lanes rather than the next free one, because in some networks the last bits of a row depend on its place in
    the batch: an episode then has the same place whatever else is finished already.
    """
    run = _Run(plan, shard, networks, environment)
    while run.fill(finished):
        for result in run.step():
            put(result)
        heartbeat(run.steps)


class _Run:
    """A shard under way."""

    def __init__(self, plan: Plan, shard: Shard, networks: Networks, environment: LaneEnvironment) -> None:
        self.steps = 0
        self._cells = plan.cells
        self._environment = environment
        self._waiting = [deque(shard.entries[lane :: shard.lanes]) for lane in range(shard.lanes)]
        self._episodes: list[Episode | None] = [None] * shard.lanes
        self._actor = Actor(networks, plan, shard.lanes)
        self._totals = Totals(shard.lanes)

    def fill(self, finished: Finished) -> bool:
        """Start the next episode of every idle lane that has one; whether anything is being played."""
        idle = [lane for lane, episode in enumerate(self._episodes) if episode is None]
        started = [episode for lane in idle if (episode := self._next(lane, finished)) is not None]
        for episode in started:
            self._episodes[episode.lane] = episode
            self._totals.clear(episode.lane)
        if started:
            lanes, seeds = [e.lane for e in started], [e.environment_seed for e in started]
            self._environment.reset(lanes, seeds)
        if idle:
            self._actor.assign(self._episodes)
        return len(idle) - len(started) < len(self._episodes)

    def _next(self, lane: int, finished: Finished) -> Episode | None:
        while self._waiting[lane]:
            entry = self._waiting[lane].popleft()
            if not finished(*entry):
                return Episode(lane=lane, entry=entry, cell=self._cells[entry.cell])
        return None

    def step(self) -> list[EpisodeResult]:
        """One step of every lane; the results of the episodes that it ended."""
        decision = self._actor.act(self._environment.observations, self._episodes)
        after = self._environment.step(decision.actions)
        self._totals.add(decision.measures)
        ended = []
        for episode in filter(None, list(self._episodes)):
            lane = episode.lane
            episode.advance(decision.actions[lane], float(after.rewards[lane]))
            self.steps += 1
            if after.terminated[lane] or after.truncated[lane]:
                ended.append(episode.result(self._totals, truncated=bool(after.truncated[lane])))
                self._episodes[lane] = None
        return ended
