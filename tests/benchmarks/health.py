"""What it costs to look at the attacks' health: their probes on the way, and the clean states at the end."""

import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from clients.demo import bundled_policy
from saddlepoint.evaluation import whole
from saddlepoint.evaluation.acting import Actor
from saddlepoint.evaluation.examining import examine
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.settings import Settings
from tests.benchmarks.measuring import Figure
from tests.policies.networks import imported

SPEC = EvaluationSpec.model_validate({"env": "BoxingNoFrameskip-v4", "seeds": 3, "episodes_per_seed": 1})
"""Whole games under the five attacks of a default evaluation; of games cut short the probes are a larger share."""


class Stopwatch:
    """Processor time spent in some functions, which load of the machine changes little."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.process_time() - started

        return timed


def health_figures() -> list[Figure]:
    """Steps a second of an evaluation against those of the same without its probes: at most a tenth goes to them."""
    policy, probes, everything = imported(bundled_policy().read_bytes()), Stopwatch(), Stopwatch()
    with (
        patch.object(Actor, "_look_closer", probes.around(Actor._look_closer)),
        patch.object(whole, "examine", probes.around(examine)),
    ):
        report = everything.around(whole.evaluate)(
            policy.model, policy.card, SPEC, default_precision=Settings().default_precision
        )
    probed, bare = (
        report.environment_steps / seconds for seconds in (everything.seconds, everything.seconds - probes.seconds)
    )
    return [Figure("probed_vs_unprobed", probed, "steps/s", bare, probed / bare, 0.9)]
