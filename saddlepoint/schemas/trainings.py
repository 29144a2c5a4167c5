"""A training: what is asked for, and how far it has come."""

from math import prod
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from saddlepoint.errors import InvalidEpsilon, InvalidSpec, UnsupportedEnvironment
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, Timestamp, digest
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec
from saddlepoint.schemas.evaluations import TERMINAL, EvaluationSpec, Status
from saddlepoint.schemas.problems import Problem
from saddlepoint.schemas.training_config import TrainingConfig

Method = Literal["standard", "atpa", "stagewise", "dataaugment", "sa_ppo", "radial"]


class DefenseDescription(Schema):
    """A row of `GET /v1/defenses`."""

    method: Method
    title: str
    summary: str
    source: str
    adversarial: bool
    """Trains in a ball, so that `config` needs an epsilon."""
    acts_on: str = "clean observations"
    """What the policy sees whose return the learning curve shows."""


DEFENSES: dict[str, DefenseDescription] = {
    "standard": DefenseDescription(
        method="standard",
        title="Standard PPO",
        summary="No defense: the clean policy acts and learns from clean observations.",
        source="Schulman et al. 2017, with the ATPA paper's Table 2",
        adversarial=False,
    ),
    "atpa": DefenseDescription(
        method="atpa",
        title="ATPA",
        acts_on="attacked observations",
        summary="The policy under the policy attack acts, and learns from what it saw.",
        source="the ATPA paper, Algorithm 3 and Eq. 17",
        adversarial=True,
    ),
    "stagewise": DefenseDescription(
        method="stagewise",
        title="StageWise",
        acts_on="clean observations, attacked ones after a third",
        summary="A third of the training without an adversary, the rest as ATPA.",
        source="Kos and Song 2017, with the ATPA paper's section 5",
        adversarial=True,
    ),
    "dataaugment": DefenseDescription(
        method="dataaugment",
        title="DataAugment",
        summary="The clean policy acts, and learns from states of which a growing share is under the policy attack.",
        source="Mandlekar et al. 2017, with the ATPA paper's section 5",
        adversarial=True,
    ),
    "sa_ppo": DefenseDescription(
        method="sa_ppo",
        title="SA-PPO",
        summary="The clean policy acts, and learns not to diverge from itself anywhere in the ball.",
        source="Zhang et al. 2020",
        adversarial=True,
    ),
    "radial": DefenseDescription(
        method="radial",
        title="RADIAL-PPO",
        summary="The clean policy acts, and learns from the worst that interval bounds allow in the ball as well.",
        source="Oikarinen et al. 2021",
        adversarial=True,
    ),
}


class TrainingSpec(Schema):
    """What to train. `config` overrides fields of the trainer's configuration, whose defaults are Table 2."""

    method: Method = "standard"
    env: EnvironmentSpec
    policy_id: str | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0, lt=2**31)
    name: str | None = Field(default=None, max_length=200)
    evaluation: EvaluationSpec | None = None
    """How to evaluate what is published and, where it started from a policy, that one too, and to compare them. Without
    `policy_id`; `env` is the training's and may be left out."""

    @model_validator(mode="before")
    @classmethod
    def _evaluated_where_it_is_trained(cls, value: Any) -> Any:
        evaluation = value.get("evaluation") if isinstance(value, dict) else None
        if isinstance(evaluation, dict) and "env" in value:
            return {**value, "evaluation": {"env": value["env"], **evaluation}}
        return value

    @model_validator(mode="after")
    def _provable(self) -> Self:
        if self.evaluation is None:
            return self
        if self.evaluation.policy_id is not None:
            raise InvalidSpec(
                "evaluation has no policy_id: it is of what the training starts from and of what it makes."
            )
        if self.evaluation.env.resolved() != self.env.resolved():
            raise InvalidSpec(
                f"evaluation is in the environment of the training, {self.env.id}, with the same options; "
                "leave its env out."
            )
        return self


ATARI_EPSILON = 4.0


def resolve_config(spec: TrainingSpec) -> TrainingConfig:
    """The configuration with epsilon decided: Table 2's for Atari games, None for a method without adversary.

    Raises InvalidSpec where an adversarial method has none, and what pydantic finds in `config`.
    """
    config = TrainingConfig.model_validate(spec.config)
    if not DEFENSES[spec.method].adversarial:
        return config.model_copy(update={"epsilon": None})
    if config.epsilon is None and not spec.env.is_atari:
        raise InvalidSpec(
            f"{spec.method} trains in a ball around each observation, and {spec.env.id} has no usual radius for it; "
            "give config.epsilon, in units of the observation."
        )
    return config.model_copy(update={"epsilon": ATARI_EPSILON if config.epsilon is None else config.epsilon})


def check_trainable(spec: TrainingSpec, environment: EnvironmentDescription) -> None:
    """Raise InvalidSpec or UnsupportedEnvironment where the training cannot be made in this environment."""
    config, entries = resolve_config(spec), prod(environment.observation.shape)
    if config.epsilon_scale is not None and len(config.epsilon_scale) != entries:
        raise InvalidEpsilon(
            f"epsilon_scale has one number per entry of an observation, {entries} for {environment.env.id}; "
            f"got {len(config.epsilon_scale)}."
        )
    if config.center_pixels and environment.observation.dtype != "uint8":
        raise InvalidSpec(
            "center_pixels takes the commonest of 256 brightnesses for black, so observations must be uint8, and those "
            f"of {environment.env.id} are {environment.observation.dtype}. Leave center_pixels out."
        )
    if spec.method == "radial" and environment.action.kind == "continuous":
        raise UnsupportedEnvironment(
            f"radial bounds the probabilities of a choice among actions, and {environment.env.id} takes "
            f"{environment.action.n} numbers. Choose another method, such as sa_ppo."
        )


class TrainingRecord(Schema):
    """What is stored before anything else: spec.json."""

    id: str
    owner: str
    generation: int = 0
    spec: TrainingSpec
    created_at: Timestamp


class ProofRecord(Schema):
    """How parent and child are evaluated; stored apart, because a training is the same whatever is asked of it then."""

    evaluation: EvaluationSpec


class ProofPart(Schema):
    """An evaluation or a comparison that belongs to a training; put once."""

    id: str


class Proof(Schema):
    """What shows what a training gained; ids are there as soon as what they name is."""

    is_pending: bool
    """Whether more is to come."""
    parent_evaluation: str | None = None
    """Of the policy that the training started from."""
    evaluation: str | None = None
    """Of the policy that was published."""
    comparison: str | None = None
    error: Problem | None = None
    """Why there will be no comparison."""


class CurvePoint(Schema):
    """A point of the learning curve, labelled by what acted."""

    update: int
    steps: int
    episodes: int
    mean_return: float | None
    """Of the acting policy's last episodes, raw score."""
    extra: dict[str, float] = Field(default_factory=dict)


class CurvePiece(Schema):
    """Neighbouring points, as a trainer stores them from time to time; after a crash pieces may overlap."""

    points: list[CurvePoint]


class TrainingProgress(Schema):
    steps_done: int = 0
    steps_planned: int = 0
    curve: list[CurvePoint] = Field(default_factory=list)


class Training(Schema):
    """The wire form of a training."""

    id: str
    status: Status
    spec: TrainingSpec
    created_at: Timestamp
    finished_at: Timestamp | None = None
    progress: TrainingProgress = TrainingProgress()
    policy_id: str | None = None
    """Of the published policy."""
    proof: Proof | None = None
    """None where the specification asks for no evaluation."""
    error: Problem | None = None
    links: dict[str, str] = Field(default_factory=dict)

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL


def training_id(owner: str, spec: TrainingSpec, generation: int) -> str:
    """The id: the same specification is the same training until its newest generation failed.

    However it is evaluated: nobody trains again for hours to see more episodes.
    """
    return digest("training", owner, spec.model_dump(mode="json", exclude={"evaluation"}), generation, PROTOCOL_VERSION)
