"""Evidence as an evaluation of a policy leaves it, small and made by hand: for tests of what shows it."""

import io
from dataclasses import replace

import numpy as np

from saddlepoint.evaluation.evidence import Evidence, Played
from saddlepoint.evaluation.footage import Footage
from saddlepoint.evaluation.png import to_png
from saddlepoint.evaluation.traces import Moment, Trace
from saddlepoint.evaluation.video import writing
from saddlepoint.schemas.attacks import ResolvedAttack
from tests.evaluation.episodes import result
from tests.evaluation.plans import cell

STEPS, ENDED = 60, 40
"""Of the unattacked and of the attacked game."""
EPSILON = 4.0


def sample_evidence() -> Evidence:
    """A game of Boxing: 60 steps that earn 1 each, and 40 that cost 1 each under `ce`."""
    clean = Trace(np.zeros(STEPS, np.int64), np.ones(STEPS), None, {"kl": np.zeros(STEPS)}, ())
    measures = {"kl": np.linspace(0.0, 2.0, ENDED), "flips": (np.arange(ENDED) % 2).astype(float)}
    moments = tuple(_framed(step) for step in (5, 25))
    attacked = Trace(np.ones(ENDED, np.int64), -np.ones(ENDED), None, measures, moments)
    return Evidence(
        cell(4, ResolvedAttack(kind="ce", epsilon=EPSILON, steps=7, step_size=2.0), mode="sample"),
        Played(result(episode_return=60.0, length=STEPS), clean),
        Played(result(episode_return=-40.0, length=ENDED), attacked),
        None,
        ("noop", "fire", "up"),
        sample_footage(),
    )


def vector_evidence() -> Evidence:
    """A game of two numbers, seen and played; nothing is drawn."""
    course = np.linspace(0.0, 1.0, STEPS, dtype=np.float32)
    seen, actions = np.stack([course, 0 * course], axis=1), np.stack([course, -course], axis=1)
    parts = ([1, 2], [3, 0], [0.5, -0.5], [0.1, 0.2], [0.25, -0.75], [0.0, 1.0])
    moment = Moment(3, *(np.array(part, np.float32) for part in parts))
    clean = Trace(actions, np.ones(STEPS), seen, {}, ())
    attacked = Trace(actions[:ENDED], np.ones(ENDED), 2 * seen[:ENDED], {"shift": np.ones(ENDED)}, (moment,))
    return replace(
        sample_evidence(),
        clean=Played(result(episode_return=60.0, length=STEPS), clean),
        attacked=Played(result(episode_return=40.0, length=ENDED), attacked),
        unit=(0.5, 1.0),
        action_names=(),
        footage=None,
        why_no_footage="it draws nothing",
    )


def sample_footage() -> Footage:
    """A small video of as many frames as the longer game has states."""
    buffer, picture = io.BytesIO(), np.full((32, 64, 3), 90, np.uint8)
    with writing(buffer, 32, 64, 100_000) as video:
        for level in range(STEPS + 1):
            picture[..., 0] = 4 * level
            video.add(picture)
    return Footage(buffer.getvalue(), to_png(picture), 32, 64, 1, STEPS, True)


def _framed(step: int) -> Moment:
    seen = np.full((6, 6), 100.0, np.float32)
    given = seen + np.float32(EPSILON)
    given[0] -= np.float32(2 * EPSILON)
    without, under = (np.array(values, np.float32) for values in ([0.7, 0.2, 0.1], [0.1, 0.85, 0.05]))
    return Moment(step, seen, given, without, under, action_without=np.array(0), action=np.array(1))
