"""The ball and the bounds, on every step of real evaluations: whatever attacks share a batch."""

from collections.abc import Iterator
from contextlib import ExitStack

import hypothesis
import pytest
import torch
from hypothesis import Phase
from hypothesis import strategies as st
from torch import Tensor

from saddlepoint.attacks.ball import Bounds
from saddlepoint.envs.interface import LaneEnvironment
from saddlepoint.evaluation.acting import Networks
from saddlepoint.evaluation.choosing import choice_of
from saddlepoint.schemas.attacks import Every, ResolvedAttack
from saddlepoint.schemas.plans import EpisodeResult
from tests.evaluation.games import GAMES, LANES, STEPS, Game
from tests.evaluation.watching import watch

Opened = tuple[Game, Networks, LaneEnvironment]


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[str, Opened]]:
    torch.set_num_threads(1)
    with ExitStack() as stack:
        games = {name: (game, game.networks(), game.lanes()) for name, game in GAMES.items()}
        for _, _, environment in games.values():
            stack.callback(environment.close)
        yield games


@pytest.mark.parametrize("name", GAMES)
@hypothesis.settings(max_examples=6, deadline=None, phases=[Phase.reuse, Phase.generate])
@hypothesis.given(data=st.data())
def test_what_the_policy_is_given_lies_in_the_ball_and_in_the_bounds(
    name: str, opened: dict[str, Opened], data: st.DataObject
) -> None:
    game, networks, environment = opened[name]
    attacks = data.draw(st.lists(game.attacks, min_size=LANES, max_size=LANES))
    plan = game.plan(attacks, data.draw(st.integers(0, 1000)), environment)
    steps, results = watch(plan, networks, environment)
    space = environment.description.observation
    bounds = Bounds.of(space, scale=game.scale)
    choice = choice_of(game.head, environment.description)
    assert len(steps) == STEPS
    for seen in steps:
        assert (choice.greedy(seen.outputs)[seen.playing] == seen.actions[seen.playing]).all()
        for lane in seen.playing:
            for asked in seen.asked:
                check_ball(attacks[lane], seen.clean[lane], asked[lane], bounds)
                check_bounds(attacks[lane], seen.clean[lane], asked[lane], bounds)
    for lane, attack in enumerate(attacks):
        walk = [(seen.clean[lane], seen.given[lane]) for seen in steps if lane in seen.playing]
        (result,) = [found for found in results if found.cell_key == plan.cells[lane].key]
        check_options(attack, walk)
        check_report(attack, walk, result, bounds)


def check_ball(attack: ResolvedAttack, clean: Tensor, given: Tensor, bounds: Bounds) -> None:
    """Exact where epsilon has no unit: a quotient by one is rounded."""
    delta = (given - clean).double()
    if attack.epsilon == 0:
        assert torch.equal(given, clean)
    slack = 0.0 if bounds.scale is None else 1e-6
    in_units = delta if bounds.scale is None else delta / bounds.scale.double()
    reach = in_units.abs().max() if attack.norm == "linf" else in_units.norm()
    assert float(reach) <= attack.epsilon * (1 + slack)


def check_bounds(attack: ResolvedAttack, clean: Tensor, given: Tensor, bounds: Bounds) -> None:
    if attack.clip:
        assert (given >= torch.minimum(bounds.low, clean)).all()
        assert (given <= torch.maximum(bounds.high, clean)).all()


def check_options(attack: ResolvedAttack, walk: list[tuple[Tensor, Tensor]]) -> None:
    for step, (clean, given) in enumerate(walk):
        rests = isinstance(attack.when, Every) and step % attack.when.every > 0
        if rests:
            assert torch.equal(given, clean)
        if attack.quantize:
            assert torch.equal(given, given.round())
        if attack.frame_consistent and step > 0 and not torch.equal(given, clean):
            before_clean, before = walk[step - 1]
            carried, older = (before - before_clean)[1:], (given - clean)[:-1]
            torch.testing.assert_close(older, carried, atol=1e-4, rtol=0)


def check_report(
    attack: ResolvedAttack, walk: list[tuple[Tensor, Tensor]], result: EpisodeResult, bounds: Bounds
) -> None:
    """The largest perturbation in the report is that of the observations the policy was given."""
    scale = torch.ones_like(walk[0][0]) if bounds.scale is None else bounds.scale
    assert result.max_linf == max(float(((given - clean) / scale).abs().max()) for clean, given in walk)
    changed = sum(not torch.equal(given, clean) for clean, given in walk)
    assert changed <= result.attacked_steps <= (len(walk) if attack.epsilon > 0 else 0)
