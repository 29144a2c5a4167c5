"""What is looked at once all episodes are there, on a worker that has the policy and the environment."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

import torch

from saddlepoint.envs.lanes import make_lanes
from saddlepoint.evaluation.clean_states import at_clean_states, unattacked
from saddlepoint.evaluation.shards import load_networks
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, Plan
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
    del card
    clean = unattacked(plan)
    if clean is None:
        return Examination()
    torch.set_num_threads(plan.threads)
    lanes = plan.shards[0].lanes
    environment = make_lanes(
        plan.environment.env, lanes, max_episode_steps=plan.max_episode_steps, threads=plan.threads
    )
    lengths = {EpisodeId(clean.index, e.seed, e.episode): e.length for e in episodes[clean.index]}
    with closing(environment):
        found = at_clean_states(plan, load_networks(plan, model), environment, lengths, alive=alive)
    return Examination(clean_states=found)
