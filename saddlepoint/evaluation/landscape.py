"""A chunk of the KL landscape: states from the policy's own clean play, each attacked from many random starts.

The paper's Figure 4: per state, CE-PGD from `starts` random points of the ball, and the largest divergence between any
two of the perturbed policies. Around a robust state it is small whatever the attacker starts from.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saddlepoint.attacks.ball import Bounds
from saddlepoint.attacks.pgd import perturb
from saddlepoint.attacks.rows import uniform_rows as same_attack
from saddlepoint.envs.interface import LaneEnvironment
from saddlepoint.envs.lanes import make_lanes
from saddlepoint.envs.seeding import Purpose, stream, uniform_rows
from saddlepoint.evaluation.acting import Actor, Networks, PlayedNetwork
from saddlepoint.evaluation.choosing import choice_of
from saddlepoint.evaluation.divergences import divergences_of
from saddlepoint.evaluation.rollouts import Rollout
from saddlepoint.policies.network import load_network
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.base import PROTOCOL_VERSION
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.landscapes import CHUNK_STATES, LandscapeSpec
from saddlepoint.schemas.plans import EpisodeId, Plan, PlannedCell, PolicyHead, head_of
from saddlepoint.schemas.policies import PolicyCard

LANES = 8
HORIZON = 1000
"""Agent steps of an episode, from its start, that its states are drawn from."""
Columns = dict[str, NDArray[Any]]


def survey_chunk(
    model: bytes,
    card: PolicyCard,
    spec: LandscapeSpec,
    environment: EnvironmentDescription,
    chunk: int,
    *,
    alive: Callable[[], None] = lambda: None,
) -> Columns:
    """The states of a policy's chunk: `max_kl` and, of choices, `max_tv` (n,); `matrices` (m, starts, starts)."""
    torch.set_num_threads(1)
    lanes = make_lanes(environment.env, LANES, max_episode_steps=HORIZON)
    with closing(lanes):
        return survey(load_network(model), head_of(card), spec, environment, lanes, chunk, alive=alive)


def survey(
    network: PlayedNetwork,
    head: PolicyHead,
    spec: LandscapeSpec,
    environment: EnvironmentDescription,
    lanes: LaneEnvironment,
    chunk: int,
    *,
    alive: Callable[[], None] = lambda: None,
) -> Columns:
    """`survey_chunk` with what it loads. A function of its arguments: all randomness is keyed by seed and state."""
    first = chunk * CHUNK_STATES
    count = min(CHUNK_STATES, spec.states - first)
    states = _draw(network, head, spec, environment, lanes, chunk, alive)[:count]
    bounds = Bounds.of(environment.observation, scale=spec.epsilon_scale)
    choice, divergences = choice_of(head, environment), divergences_of(head)
    rows = same_attack(spec.attack, spec.starts)
    kept: dict[str, list[Any]] = {"max_kl": [], "max_tv": [], "matrices": []}
    for number, state in enumerate(states, start=first):
        noise = uniform_rows(
            [spec.seed] * spec.starts, [number] * spec.starts, range(spec.starts), Purpose.START_NOISE, state.shape
        )
        with torch.no_grad():
            found = perturb(
                network,
                torch.from_numpy(state).expand(spec.starts, *state.shape).contiguous(),
                rows,
                torch.from_numpy(noise),
                bounds,
                head=choice.head(torch.zeros(spec.starts, dtype=torch.bool)),
            )
            kl, tv = divergences(found.outputs)
        kept["max_kl"].append(float(kl.max()))
        if tv is not None:
            kept["max_tv"].append(float(tv.max()))
        if number < spec.figure5_states:
            kept["matrices"].append(kl.numpy())
        alive()
    return {name: np.array(values) for name, values in kept.items() if values}


def _draw(
    network: PlayedNetwork,
    head: PolicyHead,
    spec: LandscapeSpec,
    environment: EnvironmentDescription,
    lanes: LaneEnvironment,
    chunk: int,
    alive: Callable[[], None],
) -> NDArray[np.float32]:
    """(CHUNK_STATES, *obs): of each of the chunk's own episodes equally many states, each uniform over its steps.

    Drawn with replacement, so that a short episode has as many as a long one.
    """
    plan, cell = _clean_plan(head, environment)
    actor = Actor(Networks(network, network), plan, LANES)
    entries = [EpisodeId(cell.index, spec.seed, chunk * LANES + lane) for lane in range(LANES)]
    each = CHUNK_STATES // LANES
    drawn = np.zeros((each, LANES, *environment.observation.shape), np.float32)
    chances = [stream(entry.seed, entry.episode, 0, Purpose.EXPLORATION) for entry in entries]
    for step, (observations, running) in enumerate(Rollout(actor, lanes, cell, entries).states(HORIZON), start=1):
        for episode in filter(None, running):
            replaced = chances[episode.lane].random(each) < 1 / step
            drawn[replaced, episode.lane] = observations[episode.lane]
        if step % LANES == 0:
            alive()
    return drawn.reshape(CHUNK_STATES, *environment.observation.shape)


def _clean_plan(head: PolicyHead, environment: EnvironmentDescription) -> tuple[Plan, PlannedCell]:
    """What an actor must know to play without attack, as the policy plays by default."""
    cell = PlannedCell(
        index=0,
        label="none",
        name="none",
        role="cell",
        attack=ResolvedAttack(kind="none"),
        action_mode="sample" if head.kind == "logits" else "greedy",
        key="none",
    )
    plan = Plan(
        evaluation_id="landscape",
        protocol_version=PROTOCOL_VERSION,
        policy_id="landscape",
        environment=environment,
        head=head,
        precision="fp32",
        threads=1,
        max_episode_steps=HORIZON,
        cells=(cell,),
        shards=(),
    )
    return plan, cell
