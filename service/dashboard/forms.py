"""The forms: which fields of the catalogues' schemas each asks for, in plain words, and what it begins with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from saddlepoint.schemas.attacks import ATTACKS, AttackDescription
from saddlepoint.schemas.evaluations import ATARI_EPSILON, DEFAULT_ATTACKS, EvaluationSpec
from saddlepoint.schemas.policies import CONTINUOUS_HEADS, PolicyCard, PolicyHints
from saddlepoint.schemas.tiers import TIERS
from saddlepoint.schemas.trainings import DEFENSES, DefenseDescription
from service.catalogues import attack_catalogue, defense_catalogue, environment_catalogue
from service.dashboard.fields import Field, form_fields

_ATTACK_HELP = {
    "norm": "what the ball is measured in",
    "restarts": "starts from other points of the ball; the strongest is kept",
    "quantize": "round perturbations to whole numbers, as a camera would",
    "clip": "keep within the bounds of the observation",
    "frame_consistent": "perturb each frame once and keep that while it moves through the stack",
}
_EVALUATION_HELP = {
    "seeds": "such as 0, 1, 2; in place of the size above",
    "episodes_per_seed": "in place of the size above",
    "steps": "gradient steps of one attack",
    "step_size": "half of epsilon unless given",
    "action_mode": "sampled for policies that give probabilities, greedy for others, unless chosen",
    "precision": "of gradients; what the machine does best unless chosen",
    "max_episode_steps": "longer episodes are cut there",
    "require_clean_score": "fail where the unattacked policy does not beat a random one",
}
_ENVIRONMENT_HELP = {
    "frame_size": "height, width",
    "sticky": "probability of repeating an action; by the id unless given",
    "full_action_space": "18 actions in every game",
}
_TRAINING_FIELDS = (
    *("epsilon_ramp", "attack_steps", "attack_step_size", "actors", "horizon", "minibatch", "epochs", "learning_rate"),
    *("entropy_coefficient", "discount", "gae_lambda", "stop_at_return", "precision"),
)
_TRAINING_HELP = {
    "epsilon_ramp": "share of the training over which epsilon grows from 0",
    "attack_steps": "gradient steps of one perturbation",
    "actors": "environments stepped together",
    "horizon": "steps of each between two updates",
    "minibatch": "a divisor of actors times horizon",
    "stop_at_return": "end sooner, once the last 100 games average this",
}
_HINT_HELP = {
    "name": "what to call it here",
    "layout": "of pictures, where the file does not say",
    "pixel_scale": "what its pixels are divided by, such as 255",
    "activation": "of a plain MLP's state dict",
    "squash": "whether actions pass a tanh",
    "observation_mean": "of a normalisation outside the file",
    "observation_std": "the same",
    "observation_clip": "the same, after it",
}

SIZES: Mapping[str, str] = {
    "smoke": "a first look",
    "quick": "for every day",
    "standard": "for a decision",
    "paper": "as a paper's table",
}
"""What each tier is good for."""
_GYMNASIUM: Mapping[str, tuple[tuple[int, ...], int]] = {
    "CartPole-v1": ((4,), 2),
    "Acrobot-v1": ((6,), 3),
    "MountainCar-v0": ((2,), 3),
    "LunarLander-v3": ((8,), 4),
    "Pendulum-v1": ((3,), 1),
    "MountainCarContinuous-v0": ((2,), 1),
    "BipedalWalker-v3": ((24,), 4),
    "Hopper-v5": ((11,), 3),
    "HalfCheetah-v5": ((17,), 6),
    "Walker2d-v5": ((17,), 6),
    "Ant-v5": ((105,), 8),
    "Humanoid-v5": ((348,), 17),
}
"""Ids that are proposed, with the shape of an observation and the number of actions; any other may be typed."""
_CONTINUOUS = frozenset(
    {"Pendulum-v1", "MountainCarContinuous-v0", "BipedalWalker-v3", "Hopper-v5", "HalfCheetah-v5"}
    | {"Walker2d-v5", "Ant-v5", "Humanoid-v5"}
)


@dataclass(frozen=True)
class Size:
    """A tier, with what it comes to."""

    name: str
    purpose: str
    seeds: int
    episodes_per_seed: int


@dataclass(frozen=True)
class EvaluationForm:
    """Everything but the policy."""

    environments: list[str]
    environment: str
    epsilon: str
    sizes: list[Size]
    attacks: list[AttackDescription]
    chosen_attacks: frozenset[str]
    attack_options: list[Field]
    options: list[Field]
    environment_options: list[Field]


@dataclass(frozen=True)
class TrainingForm:
    """A training, and how it will be judged."""

    environments: list[str]
    environment: str
    methods: list[DefenseDescription]
    method: str
    steps: str
    epsilon: str
    options: list[Field]
    sizes: list[Size]


def evaluation_form(card: PolicyCard) -> EvaluationForm:
    """A form that a policy can be evaluated with as it stands."""
    environments = suggestions(card)
    environment = _first(card, environments)
    return EvaluationForm(
        environments=environments,
        environment=environment,
        epsilon=_epsilon(card),
        sizes=_sizes(),
        attacks=[attack for attack in ATTACKS.values() if attack.kind != "value" or card.has_critic],
        chosen_attacks=frozenset(attack.kind for attack in DEFAULT_ATTACKS),
        attack_options=_attack_options(),
        options=_evaluation_options(),
        environment_options=_environment_options() if len(card.observation.shape) == 3 else [],
    )


def training_form(card: PolicyCard | None) -> TrainingForm:
    """A form to harden a policy, or to train a new one where there is none."""
    environments = suggestions(card) if card else [*_GYMNASIUM, *(one[0] for one in _atari())]
    return TrainingForm(
        environments=environments,
        environment=_first(card, environments) if card else "CartPole-v1",
        methods=list(DEFENSES.values()),
        method="atpa" if card else "standard",
        steps="500000" if card and len(card.observation.shape) == 3 else "100000",
        epsilon=_epsilon(card) if card else "0.1",
        options=_training_options(),
        sizes=_sizes(),
    )


@cache
def upload_fields() -> list[Field]:
    """What a file cannot say about itself."""
    return form_fields(PolicyHints.model_json_schema(), tuple(_HINT_HELP), help=_HINT_HELP)


def suggestions(card: PolicyCard) -> list[str]:
    """Known environments whose spaces the policy fits, the one that it was trained in first."""
    wanted = (tuple(card.observation.shape), card.actions)
    continuous = card.head in CONTINUOUS_HEADS
    fitting = [name for name, spaces in _GYMNASIUM.items() if spaces == wanted and (name in _CONTINUOUS) == continuous]
    fitting += [name for name, shape, actions in _atari() if (shape, actions) == wanted and not continuous]
    trained = [card.lineage.env.id] if card.lineage else []
    return list(dict.fromkeys([*trained, *fitting]))


def _first(card: PolicyCard | None, environments: list[str]) -> str:
    """The one it was trained in, or the only one that it fits; a guess among many would be wrong."""
    named = [name for name in environments if card and card.name and name in card.name]
    if named or (card and card.lineage):
        return (named or environments)[0]
    return environments[0] if len(environments) == 1 else ""


def _epsilon(card: PolicyCard) -> str:
    """Of pictures the paper's; of other observations nobody knows what is much."""
    if len(card.observation.shape) == 3:
        return f"{ATARI_EPSILON:g}"
    return "0.1"


def _sizes() -> list[Size]:
    return [Size(name, SIZES[name], *counts) for name, counts in TIERS.items()]


@cache
def _atari() -> list[tuple[str, tuple[int, ...], int]]:
    return [(entry.id, tuple(entry.observation_shape), entry.actions) for entry in environment_catalogue().items]


@cache
def _attack_options() -> list[Field]:
    return form_fields(attack_catalogue().parameters, tuple(_ATTACK_HELP), within="each", help=_ATTACK_HELP)


@cache
def _evaluation_options() -> list[Field]:
    return form_fields(EvaluationSpec.model_json_schema(), tuple(_EVALUATION_HELP), help=_EVALUATION_HELP)


@cache
def _environment_options() -> list[Field]:
    names = ("frame_size", "frame_stack", "grayscale", "frameskip", "sticky", "full_action_space")
    return form_fields(environment_catalogue().parameters, names, within="env", help=_ENVIRONMENT_HELP)


@cache
def _training_options() -> list[Field]:
    return form_fields(defense_catalogue().config, _TRAINING_FIELDS, within="config", help=_TRAINING_HELP)
