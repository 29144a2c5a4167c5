"""What is looked at once all episodes are there, on a worker that has the policy and the environment."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from statistics import fmean

import torch

from saddlepoint.envs.lanes import LaneEnvironment, make_lanes
from saddlepoint.evaluation.clean_score import clean_score_hints
from saddlepoint.evaluation.clean_states import at_clean_states, unattacked
from saddlepoint.evaluation.shards import load_networks
from saddlepoint.policies.network import load_network
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, Plan, PlannedCell
from saddlepoint.schemas.policies import PolicyCard


def examine(
    plan: Plan,
    card: PolicyCard,
    model: bytes,
    episodes: Mapping[int, Sequence[EpisodeResult]],
    *,
    alive: Callable[[], None] = lambda: None,
) -> Examination:
    """What a finished plan's episodes, by index of their cell, cannot say themselves. `alive` is called while it works.

    A function of its arguments alone, as the episodes are. Sets torch's thread count to the plan's.
    """
    clean = unattacked(plan)
    if clean is None:
        return Examination()
    torch.set_num_threads(plan.threads)
    networks = load_networks(plan, model)

    def make_environment(lanes: int, most_steps: int | None) -> LaneEnvironment:
        limits = [limit for limit in (most_steps, plan.max_episode_steps) if limit is not None]
        return make_lanes(
            plan.environment.env, lanes, max_episode_steps=min(limits, default=None), threads=plan.threads
        )

    lengths = {EpisodeId(clean.index, e.seed, e.episode): e.length for e in episodes[clean.index]}
    with closing(make_environment(plan.shards[0].lanes, None)) as environment:
        found = at_clean_states(plan, networks, environment, lengths, alive=alive)
    if beats_random(plan, clean, episodes):
        return Examination(clean_states=found)
    hints = clean_score_hints(plan, card, load_network(model), clean, make_environment, alive=alive)
    return Examination(clean_states=found, hints=hints)


def beats_random(plan: Plan, clean: PlannedCell, episodes: Mapping[int, Sequence[EpisodeResult]]) -> bool:
    """Whether the policy scores more without attack than uniform actions do."""
    (reference,) = (cell.index for cell in plan.cells if cell.role == "random_policy")
    own, floor = (fmean(e.episode_return for e in episodes[index]) for index in (clean.index, reference))
    return own > floor
