"""CartPole under attack, the whole engine: 64 lanes against one lane at a time."""

from collections.abc import Callable

from saddlepoint.envs.lanes import LaneEnvironment, make_lanes
from saddlepoint.evaluation.acting import Networks
from saddlepoint.evaluation.shards import play
from saddlepoint.policies.network import load_network
from saddlepoint.schemas.attacks import ResolvedAttack
from tests.benchmarks.measuring import Figure, compare_rates
from tests.evaluation.networks import balancing_mlp
from tests.evaluation.plans import CARTPOLE, cell, plan

LANES, STEPS = 64, 100
ATTACK = ResolvedAttack(kind="ce", epsilon=0.01, steps=7, step_size=0.005)


def engine_figures() -> list[Figure]:
    """Episodes of a policy that survives all the steps, so that every lane is busy to the end."""
    network = load_network(balancing_mlp())
    networks = Networks(network, network)
    wide, narrow = (make_lanes(CARTPOLE.env, lanes, max_episode_steps=STEPS, threads=1) for lanes in (LANES, 1))
    return [
        compare_rates(
            "mlp_cartpole_steps",
            _episodes(networks, wide),
            _episodes(networks, narrow),
            count=LANES * STEPS,
            baseline_count=STEPS,
            unit="steps/s",
            goal=40.0,
            repeats=11,
        )
    ]


def _episodes(networks: Networks, environment: LaneEnvironment) -> Callable[[], None]:
    """Plays an episode in every lane; fails if one ends early."""
    lanes = environment.lanes
    entries = [(0, 0, episode) for episode in range(lanes)]
    planned = plan([cell(0, ATTACK, mode="sample")], entries, environment=CARTPOLE, lanes=lanes)

    def run() -> None:
        lengths: list[int] = []
        play(
            planned,
            planned.shards[0],
            networks,
            [environment],
            finished=lambda *entry: False,
            put=lambda result: lengths.append(result.length),
            heartbeat=lambda steps: None,
        )
        assert lengths == [STEPS] * lanes

    return run
