"""The trainer on Boxing at the sizes of the ATPA paper's Table 2, against a plain PPO and its own floor."""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from saddlepoint.attacks.pgd import perturb
from saddlepoint.attacks.rows import uniform_rows
from saddlepoint.machine import cores
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.trainings import TrainingSpec
from saddlepoint.settings import Settings
from saddlepoint.store import open_store
from tests.benchmarks.attacks import ATTACK, PIXELS
from tests.benchmarks.measuring import Figure, compare_rates, seconds
from tests.benchmarks.textbook import textbook_pgd
from tests.benchmarks.textbook_ppo import ACTORS, HORIZON, textbook_training
from trainer import checkpoint
from trainer.build import Machine, build_training
from trainer.job import CHECKPOINT_S
from trainer.ppo import start, train
from trainer.stored import put_checkpoint
from trainer.training import Training

GAME = "BoxingNoFrameskip-v4"
STEPS = ACTORS * HORIZON
"""Of one update."""
REPEATS = 5


@dataclass(frozen=True)
class Times:
    """Seconds of one update, and of the attacks in it alone; all taken one after the other."""

    standard: float
    plain: float
    """Of the textbook PPO."""
    atpa: float
    plain_atpa: float
    """Of the same with the textbook PGD loop."""
    attacks: float

    @property
    def floor(self) -> float:
        """An update that is `standard` and its attacks, with nothing lost between them."""
        return self.standard + self.attacks


def training_figures() -> list[Figure]:
    """Minutes long."""
    times = list(_measured())
    return [
        _figure("train_standard_vs_cleanrl", times, lambda t: t.standard, lambda t: t.plain, 3.0),
        _figure("train_atpa_vs_floor", times, lambda t: t.atpa, lambda t: t.floor, 0.85),
        _figure("train_atpa_vs_textbook", times, lambda t: t.atpa, lambda t: t.plain_atpa, 3.0),
        threads_figure(),
        checkpoint_figure(),
    ]


def _figure(
    name: str, times: list[Times], own: Callable[[Times], float], other: Callable[[Times], float], goal: float
) -> Figure:
    """Rates in steps a second; the ratio is the median of those within a repeat."""
    return Figure(
        name=name,
        value=statistics.median(STEPS / own(time) for time in times),
        unit="steps/s",
        baseline=statistics.median(STEPS / other(time) for time in times),
        ratio=statistics.median(other(time) / own(time) for time in times),
        goal=goal,
    )


def _measured() -> Iterator[Times]:
    standard, atpa = (_started(_spec(method)) for method in ("standard", "atpa"))
    sides: list[Callable[[], object]] = [
        *(_updates(train(standard)), _updates(textbook_training(GAME))),
        *(_updates(train(atpa)), _updates(textbook_training(GAME, attack=_textbook_attack))),
        _bare_attacks(atpa),
    ]
    for side in sides:
        side()
    for _ in range(REPEATS):
        yield Times(*map(seconds, sides))


def threads_figure() -> Figure:
    """`standard` with the network on every core over one thread, as SADDLEPOINT_TRAINER_THREADS sets them."""
    updates, threads = _updates(train(_started(_spec("standard")))), torch.get_num_threads()

    def on(count: int) -> Callable[[], None]:
        def run() -> None:
            torch.set_num_threads(count)
            updates()

        return run

    try:
        return compare_rates(
            "train_all_threads_vs_one", on(cores()), on(1), count=STEPS, unit="steps/s", repeats=REPEATS
        )
    finally:
        torch.set_num_threads(threads)


def checkpoint_figure() -> Figure:
    """What the checkpoints of a job take of its time, in its own interval."""
    spec = _spec("atpa")
    training = _started(spec)
    next(train(training))
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder).as_uri())

        def keep(number: int) -> None:
            put_checkpoint(store, "training", number, 0, checkpoint.to_bytes(training, spec))

        taken = statistics.median(seconds(lambda number=number: keep(number)) for number in range(7))  # type: ignore[misc]
    return Figure("checkpoint_overhead", taken, "s", CHECKPOINT_S, taken / CHECKPOINT_S, 0.02, at_most=True)


def _spec(method: str) -> TrainingSpec:
    return TrainingSpec.model_validate({"method": method, "env": EnvironmentSpec(id=GAME), "seed": 0})


def _started(spec: TrainingSpec) -> Training:
    training = build_training(spec, Machine(precision=Settings().default_precision, threads=cores()))
    start(training)
    return training


def _updates(training: Iterator[object]) -> Callable[[], object]:
    return lambda: next(training)


def _textbook_attack(policy: nn.Module, observation: Tensor) -> Tensor:
    return textbook_pgd(policy, observation, ATTACK.epsilon, ATTACK.steps, ATTACK.step_size)


def _bare_attacks(training: Training) -> Callable[[], None]:
    """As many attacks as an update makes, on the training's own network, with everything drawn before."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (ACTORS, 4, 84, 84), generator=generator).to(torch.uint8)
    observation = training.network.encode(pixels).float()
    noise, rows = torch.rand(observation.shape, generator=generator), uniform_rows(ATTACK, ACTORS)

    def run() -> None:
        network = training.network.frozen()
        for _ in range(HORIZON + 1):
            perturb(network, observation, rows, noise, PIXELS)

    return run
