"""What is reproduced, and how far it is to go: the paper's own numbers unless told otherwise."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.attacks import AttackSpec
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.landscapes import LandscapeSpec
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.trainings import DEFENSES, TrainingSpec
from trainer.files import write_atomically
from trainer.methods import METHODS
from trainer.reproduce import paper

_FILE = "study.json"


class Study(Schema):
    """The defaults are the paper's: 3 games, 4 methods, 5 seeds, 1e8 agent steps, 10 x 50 episodes a model."""

    games: tuple[str, ...] = paper.GAMES
    methods: tuple[str, ...] = tuple(method for method in paper.METHODS if method in METHODS)
    seeds: int = Field(default=5, ge=1)
    """Training runs of each method in each game, with the seeds 0, 1, ..."""
    steps: int = Field(default=100_000_000, ge=1)
    config: dict[str, Any] = Field(default_factory=dict)
    """Other fields of TrainingConfig, for all methods."""
    epsilon: float = Field(default=4.0, gt=0)
    """Of training and evaluation, in observation units; a PGD step is half of it."""
    epsilon_scale: tuple[float, ...] | None = None
    """One number per entry of an observation, which multiplies epsilon."""
    environment_seeds: int = Field(default=10, ge=1)
    episodes: int = Field(default=50, ge=1)
    """Of each environment seed."""
    sweep: tuple[float, ...] = (0.25, 0.5, 1.5, 2.0)
    """Figure 3's radii beside 0 and 1, in epsilons."""
    states: int = Field(default=50_000, ge=1)
    """Of each policy in Figure 4."""
    starts: int = Field(default=50, ge=2, le=100)
    """Of the attack on each of these states."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = [method for method in self.methods if method not in METHODS]
        if unknown or not self.methods:
            raise InvalidSpec(f"methods must be among {', '.join(METHODS)}; got {', '.join(unknown) or 'none'}.")
        return self

    def training(self, game: str, method: str, seed: int) -> TrainingSpec:
        """The specification of one training; a method without an adversary is not told of epsilon."""
        ball: dict[str, Any] = {"epsilon": self.epsilon, "epsilon_scale": self.epsilon_scale}
        config = self.config | {"steps": self.steps} | (ball if DEFENSES[method].adversarial else {})
        return TrainingSpec.model_validate(
            {"method": method, "env": EnvironmentSpec(id=game), "config": config, "seed": seed}
        )

    def table(self, game: str, card: PolicyCard) -> EvaluationSpec:
        """A policy's share of Table 1."""
        return self._evaluation(game, card, paper.ATTACKS, (self.epsilon,))

    def epsilons(self, game: str, card: PolicyCard) -> EvaluationSpec:
        """A policy's share of Figure 3: the policy attack in balls of other sizes, on the same episodes."""
        balls = tuple(sorted(self.epsilon * factor for factor in self.sweep))
        mode = "sample" if card.head == "logits" else "greedy"
        return self._evaluation(game, card, ("ce",), balls).model_copy(update={"action_mode": mode})

    def landscape(self, game: str, *policy_ids: str) -> LandscapeSpec:
        """Figures 4 and 5 for these policies."""
        return LandscapeSpec(
            policy_ids=policy_ids,
            env=EnvironmentSpec(id=game),
            epsilon=self.epsilon,
            epsilon_scale=self.epsilon_scale,
            states=self.states,
            starts=self.starts,
        )

    def _evaluation(
        self, game: str, card: PolicyCard, attacks: tuple[str, ...], epsilon: tuple[float, ...]
    ) -> EvaluationSpec:
        return EvaluationSpec(
            policy_id=card.id,
            env=EnvironmentSpec(id=game),
            attacks=tuple(AttackSpec.model_validate({"kind": kind}) for kind in attacks),
            epsilon=epsilon,
            epsilon_scale=self.epsilon_scale,
            seeds=tuple(range(self.environment_seeds)),
            episodes_per_seed=self.episodes,
        )


def open_study(folder: Path, options: dict[str, Any]) -> Study:
    """The folder's study, which the first call founds by its options; later ones are as `read_study`."""
    path = folder / _FILE
    if not path.exists():
        study = Study(**options)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, study.model_dump_json(indent=1).encode())
    return read_study(folder, options)


def read_study(folder: Path, options: dict[str, Any]) -> Study:
    """The study that a folder holds. Options may be left out; InvalidSpec where they are others, or there is none."""
    path = folder / _FILE
    if not path.exists():
        raise InvalidSpec(f"{folder} holds no study to read, which is a {_FILE}; begin one without --table.")
    found = Study.model_validate_json(path.read_bytes())
    differing = [name for name, value in options.items() if getattr(Study(**options), name) != getattr(found, name)]
    if differing:
        raise InvalidSpec(
            f"{folder} holds a study with another {' and '.join(differing)}; give the same options, leave them out, or "
            "choose another folder."
        )
    return found
