"""What there is to choose from: attacks, defenses, environments, each with the JSON Schema of its parameters."""

from typing import Any, Literal

from pydantic import Field

from saddlepoint.schemas.atari_games import ATARI_GAMES
from saddlepoint.schemas.attacks import ATTACKS, AttackDescription, AttackSpec
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.trainings import DEFENSES, DefenseDescription, TrainingSpec


class EnvironmentEntry(Schema):
    """An environment that can be evaluated without being loaded first."""

    id: str
    title: str
    observation_shape: tuple[int, ...]
    action_kind: Literal["discrete", "continuous"]
    actions: int = Field(
        description="how many there are or, where they are continuous, of how many numbers one is made"
    )
    sticky: float


class AttackCatalogue(Schema):
    items: list[AttackDescription]
    parameters: dict[str, Any] = Field(description="JSON Schema of an entry of `attacks`")


class DefenseCatalogue(Schema):
    items: list[DefenseDescription]
    parameters: dict[str, Any] = Field(description="JSON Schema of a training")
    config: dict[str, Any] = Field(description="JSON Schema of its `config`")


class EnvironmentCatalogue(Schema):
    items: list[EnvironmentEntry]
    others: str
    parameters: dict[str, Any] = Field(description="JSON Schema of `env`")


def attack_catalogue() -> AttackCatalogue:
    """Every attack, weakest first."""
    return AttackCatalogue(items=list(ATTACKS.values()), parameters=AttackSpec.model_json_schema())


def defense_catalogue() -> DefenseCatalogue:
    """Every training method."""
    return DefenseCatalogue(
        items=list(DEFENSES.values()),
        parameters=TrainingSpec.model_json_schema(),
        config=TrainingConfig.model_json_schema(),
    )


def environment_catalogue() -> EnvironmentCatalogue:
    """Every Atari game in both protocols; other environments are known once they are asked for."""
    ids = [template.format(game) for game in ATARI_GAMES for template in ("{}NoFrameskip-v4", "ALE/{}-v5")]
    return EnvironmentCatalogue(
        items=[_entry(EnvironmentSpec(id=env_id)) for env_id in ids],
        others="Any Gymnasium id with Box observations and Discrete or Box actions that is installed on the workers, "
        "such as CartPole-v1 or Hopper-v5, and those of packages with the entry point saddlepoint.environments.",
        parameters=EnvironmentSpec.model_json_schema(),
    )


def _entry(env: EnvironmentSpec) -> EnvironmentEntry:
    description = describe_atari(env)
    return EnvironmentEntry(
        id=env.id,
        title=env.game or env.id,
        observation_shape=description.observation.shape,
        action_kind=description.action.kind,
        actions=description.action.n,
        sticky=env.repeat_action_probability,
    )
