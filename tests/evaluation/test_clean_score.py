"""Other ways to read a policy, tried where it scores no better than chance."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.envs.interface import Actions, LaneStep
from saddlepoint.evaluation.clean_score import EPISODES, clean_score_hints
from saddlepoint.evaluation.readings import readings
from saddlepoint.schemas.environments import BoxSpace, EnvironmentSpec, describe_atari
from saddlepoint.schemas.policies import InputDescription, PolicyCard, PolicyHints
from tests.attacks.toys import ToyOutputs
from tests.evaluation.corridor import Corridor
from tests.evaluation.episodes import CARD
from tests.evaluation.plans import CORRIDOR, cell, plan

PIXELS = CORRIDOR.model_copy(update={"observation": BoxSpace(shape=(1,), dtype="uint8", low=0.0, high=255.0)})
NUMBER = CARD.model_copy(update={"observation": InputDescription(shape=(1,)), "actions": 2})


class Shifted:
    """The corridor, shown as the numbers 100 and 200: it is right to say 0 of the larger one."""

    description = PIXELS

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self._corridor = Corridor(lanes)
        self._corridor.shortest = 20

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        self._corridor.reset(lanes, seeds)

    @property
    def observations(self) -> NDArray[np.float64]:
        return np.where(self._corridor.observations > 0, 200.0, 100.0)

    def step(self, actions: Actions) -> LaneStep:
        return self._corridor.step(actions)

    def close(self) -> None:
        pass


class Threshold:
    """Says 0 above a number, 1 below it; certain of both."""

    state_shapes: tuple[tuple[int, ...], ...] = ()
    dtype = torch.float32

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def to_attack_layout(self, observation: Tensor, /) -> Tensor:
        return observation

    def from_attack_layout(self, arranged: Tensor, /) -> Tensor:
        return arranged

    def forward_attack(
        self, arranged: Tensor, states: tuple[Tensor, ...] = (), *, with_value: bool = False
    ) -> ToyOutputs:
        above = torch.where(arranged > self.threshold, 50.0, -50.0)
        return ToyOutputs(torch.cat([above, -above], dim=1))

    def critic(self, arranged: Tensor, states: tuple[Tensor, ...] = (), /) -> None:
        return None


def hints(threshold: float, card: PolicyCard = NUMBER, *, pixels: bool = True, alive: list[None] | None = None) -> str:
    planned = plan([cell(0), cell(1, role="random_policy")], [(0, 0, 0), (1, 0, 0)])
    planned = planned.model_copy(update={"environment": PIXELS if pixels else CORRIDOR})
    heard = [] if alive is None else alive
    (hint,) = clean_score_hints(
        planned,
        card,
        Threshold(threshold),
        planned.cells[0],
        lambda lanes, most: Shifted(lanes),
        alive=lambda: heard.append(None),
    )
    return hint


def test_a_policy_that_wants_pixels_from_0_to_1_is_told_so() -> None:
    hint = hints(0.6)
    assert hint.startswith("With pixel_scale 255 (pixels 0 to 1) the same policy scores 2")
    assert "set it in the card" in hint


def test_a_policy_that_wants_pixels_around_0_is_told_so() -> None:
    assert hints(0.1).startswith("With observation_mean [127.5] and observation_std [127.5]")


def test_a_policy_that_wants_pixels_as_they_are_is_told_so() -> None:
    card = NUMBER.model_copy(update={"hints": PolicyHints(pixel_scale=255)})
    assert hints(150.0 * 255, card).startswith("With pixel_scale 1 (pixels 0 to 255)")


def test_a_policy_that_wants_normalised_observations_is_told_so() -> None:
    hint = hints(0.05, pixels=False)
    assert hint.startswith("With observations normalised")
    assert "VecNormalize" in hint


def test_where_nothing_helps_that_is_said() -> None:
    hint = hints(1e6)
    assert hint.startswith(f"None of these made it better than a random policy on {EPISODES} episodes: pixel_scale 255")
    assert "trained weights" in hint


def test_signs_of_life_are_given() -> None:
    alive: list[None] = []
    hints(0.6, alive=alive)
    assert len(alive) >= 4


def named(env: str, card: PolicyCard, seen: Sequence[Sequence[float]] = ()) -> list[str]:
    found = readings(describe_atari(EnvironmentSpec(id=env)), card, np.array(seen, np.float32))
    return [reading.what.split(" (")[0] for reading in found]


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({}, ["pixel_scale 255", "observation_mean [127.5] and observation_std [127.5]"]),
        ({"guesses": ["pixels divided by 255, as SB3 does by default"]}, ["pixel_scale 1"]),
        ({"hints": PolicyHints(pixel_scale=255)}, ["pixel_scale 1"]),
        ({"hints": PolicyHints(pixel_scale=7)}, []),
        ({"hints": PolicyHints(observation_mean=[1.0])}, ["pixel_scale 255"]),
    ],
)
def test_what_is_tried_on_pictures(update: dict[str, object], expected: list[str]) -> None:
    orders = ["rows and columns of every frame swapped", "the newest frame first in the stack"]
    assert named("PongNoFrameskip-v4", CARD.model_copy(update=update)) == expected + orders
