"""A policy as users describe it (hints), and as we found it (card)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from saddlepoint.errors import ActionMismatch, ObservationMismatch
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, Timestamp, digest
from saddlepoint.schemas.environments import (
    ContinuousSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
    atari_game,
)
from saddlepoint.schemas.problems import Problem
from saddlepoint.schemas.stated_spaces import notes, other_actions

Layout = Literal["nhwc", "nchw"]
Head = Literal["logits", "q_values", "gaussian", "action"]
"""What a policy says: scores of actions, values of actions, a diagonal Gaussian, or the action itself."""
HEAD_OUTPUTS: dict[Head, tuple[str, ...]] = {
    "logits": ("logits",),
    "q_values": ("q_values",),
    "gaussian": ("mean", "log_std"),
    "action": ("action",),
}
"""The outputs of a canonical model that make a head."""
DEVIATION = "std"
"""What the card calls an output of a file that is the deviation of which `log_std` is the logarithm."""
CRITIC_OUTPUTS = ("q_values", "action_value")
"""The outputs of a canonical model that say what actions are worth, (N, A) of a choice or (N,) of the one it is told;
the first is also a head, where nothing else makes one."""
INPUT_ROLES: Mapping[str, str] = {
    "observation": "what the environment gives",
    "state_*": "what a recurrent policy carries from step to step (state_0, state_1, ...)",
    "episode_start": "where an episode begins: 0 at every step here, where states are zero at the start",
    "continues": "where an episode goes on: 1 at every step here, the opposite of episode_start",
    "seq_lens": "how many steps a sequence has: 1 here",
}
"""What the card may call an input of the file, and what that is; one with a star stands for all that begin so."""
OUTPUT_ROLES: Mapping[str, str] = {
    "logits": "a score of each action, (N, A)",
    "q_values": "the value of each action, (N, A); beside logits it is their critic",
    "action": "the action itself, (N, D), in the units of the environment",
    "mean": "of a Gaussian over actions, (N, D)",
    "log_std": "beside mean: the logarithm of the standard deviation, (N, D) or (D,)",
    DEVIATION: "in place of log_std: the standard deviation itself, whose logarithm is taken",
    "value": "what a state is worth, (N,) or (N, 1)",
    "next_state_*": "what the state_* of the same name becomes",
}
"""The same of outputs."""
CONTINUOUS_HEADS: frozenset[Head] = frozenset({"gaussian", "action"})


def _named(field: str, roles: Mapping[str, str]) -> str:
    """What `inputs` or `outputs` of the card hold."""
    listed = "; ".join(f"{role}: {meaning}" for role, meaning in roles.items())
    return f"The {field} of an ONNX model: what each is, to its name in the file. {listed}."


class PolicyHints(Schema):
    """The `card` part of an upload: what a file cannot say about itself. Everything is optional."""

    inputs: dict[str, str] = Field(default_factory=dict, description=_named("inputs", INPUT_ROLES))
    outputs: dict[str, str] = Field(default_factory=dict, description=_named("outputs", OUTPUT_ROLES))
    observation_mean: list[float] | None = Field(
        default=None,
        description="Subtracted from every observation before the file sees it: one number, or one per entry, flat. "
        "For a normalisation that is not in the file; one that is needs none.",
    )
    observation_std: list[float] | None = Field(
        default=None,
        description="Every observation is divided by it, after the mean: one number, or one per entry, all above 0 "
        "(add the epsilon of your normaliser).",
    )
    observation_clip: float | None = Field(
        default=None, gt=0, description="After mean and std, observations are clipped to -clip..clip."
    )
    layout: Layout | None = Field(
        default=None,
        description="Where pictures have their channels or frames: last (nhwc) or first (nchw). Of ONNX in what the "
        "file takes, of weights in what the environment gives; the axes are turned where the two differ.",
    )
    pixel_scale: float | None = Field(
        default=None,
        gt=0,
        description="Observations are divided by it, after mean, std and clip: 255 makes 0..1 of pixels. Left out, "
        "ONNX gets them as they are, and convolutional networks of weights divided by 255 or as their zip says.",
    )
    squash: Literal["none", "tanh"] | None = Field(
        default=None,
        description="Of a Gaussian: tanh where its mean stands before a tanh that is taken to the bounds of the "
        "actions, none where it is in their units.",
    )
    temperature: float | None = Field(
        default=None,
        gt=0,
        description="Of a policy over values of actions: pi = softmax(Q / temperature); 1 unless given.",
    )
    state_batch_axis: Literal[0, 1] | None = Field(
        default=None, description="Which axis of the states of a recurrent ONNX model is the batch."
    )
    activation: Literal["relu", "tanh"] | None = Field(
        default=None, description="What follows every hidden layer of plain weights, which do not say."
    )
    name: str | None = Field(
        default=None, max_length=200, description="What to call the policy; the name of the file unless given."
    )


class InputDescription(Schema):
    """The canonical input `observation` without its batch axis, in the environment's own units."""

    shape: tuple[int, ...]
    dtype: str = "float32"


class OutputDescription(Schema):
    name: str
    shape: tuple[int, ...]


class Lineage(Schema):
    """Where a trained policy comes from."""

    parent: str | None = None
    method: str
    env: EnvironmentSpec
    config: dict[str, Any]
    steps: int
    seed: int
    training_id: str | None = None
    versions: dict[str, str]


class PolicyCard(Schema):
    """What was found in an uploaded policy, and what was made of it."""

    id: str
    name: str | None = None
    created_at: Timestamp
    format: str
    """`onnx`, `onnx-zip`, `sb3-zip`, `torch-state-dict`, `safetensors`."""
    architecture: str
    """`nature-cnn`, `mlp`, or `onnx` for any other graph."""
    head: Head
    observation: InputDescription
    outputs: list[OutputDescription]
    actions: int
    """How many there are to choose from or, under a continuous head, of how many numbers one consists."""
    squash: Literal["none", "tanh"] = "none"
    """Of a continuous head: `tanh` where the outputs (`mean`, `action`) stand before a tanh, and what is executed is
    low + (tanh + 1) / 2 (high - low) of the environment's bounds; `none` where they are in its units, and clipped."""
    fixed_deviation: bool = False
    """Of a Gaussian head: whether `log_std` is the same at every observation."""
    perhaps_gaussian: tuple[str, str] | None = None
    """Of logits that are a guess: by their names in the file, the output taken as them and one with as many numbers a
    row beside it, which could be a mean and a deviation."""
    states: list[InputDescription] = Field(default_factory=list)
    """Of a recurrent policy: what it carries from step to step, zero at the start of an episode."""
    parameters: int
    sha256: str
    """Of the uploaded bytes."""
    canonical_sha256: str
    size: int
    """Uploaded bytes."""
    contents: list[str] = Field(default_factory=list)
    """What the file held, including what was ignored and why."""
    guesses: list[str] = Field(default_factory=list)
    """Choices that the file did not settle, such as an unnamed output taken as logits."""
    observation_std: list[float] | None = None
    """What each entry of an observation is divided by before the network computes with it, or first of all in it."""
    observation_space: dict[str, Any] | None = None
    """As the file itself states it, where it does."""
    action_space: dict[str, Any] | None = None
    """The same. Of a Box, `low` and `high` are a number that all entries share, or one per entry, None if unbounded."""
    max_disagreement: float
    """Largest difference of torch and onnxruntime outputs on the check rows."""
    hints: PolicyHints = PolicyHints()
    lineage: Lineage | None = None

    @property
    def has_critic(self) -> bool:
        """Whether it says what actions are worth, in its head or beside it."""
        return any(output.name in CRITIC_OUTPUTS for output in self.outputs)

    @property
    def own_units(self) -> tuple[float, float] | None:
        """The least and the largest of `observation_std`; None where it has none, or the same everywhere."""
        own = self.observation_std
        return None if own is None or min(own) == max(own) else (min(own), max(own))


class UploadRequest(Schema):
    """An upload that waits for the validator."""

    upload_id: str
    policy_id: str
    owner: str
    sha256: str
    size: int
    filename: str | None
    hints: PolicyHints
    created_at: Timestamp


class Verdict(Schema):
    """What the validator said of an upload: exactly one of the two."""

    policy_id: str | None = None
    problem: Problem | None = None


def policy_id(owner: str, sha256: str, hints: PolicyHints) -> str:
    """The id of a policy: the same bytes, hints and reading rules are the same policy of an owner."""
    return digest("policy", owner, sha256, hints.model_dump(mode="json"), PROTOCOL_VERSION)


_FRAME_OPTIONS = (
    "Choose the matching environment or its frame options (frame_stack, frame_size, grayscale; on the command line "
    "--env-option frame_stack=1)"
)
_OTHER_OPTIONS = (
    "Choose the environment and the version that it was trained for, made with the same options (kwargs of env; on the "
    """command line --env-option kwargs='{"use_contact_forces": true}')"""
)

_TIME = (
    ". One number more is often the time (TimeFeatureWrapper of sb3-contrib): register the environment with that "
    "wrapper around it, as docs/extend.md shows"
)


def check_compatible(card: PolicyCard, description: EnvironmentDescription) -> None:
    """Raise ObservationMismatch or ActionMismatch unless the policy fits the environment."""
    expected, got = description.observation.shape, card.observation.shape
    if tuple(expected) != tuple(got):
        raise ObservationMismatch(
            f"{description.env.id} gives observations of shape {list(expected)}, the policy takes {list(got)}. "
            + (_FRAME_OPTIONS if description.env.is_atari else _OTHER_OPTIONS)
            + (_TIME if len(expected) == 1 and got == (expected[0] + 1,) else "")
            + (_stack(got[0] // expected[0]) if _may_be_stack(description, expected, got) else "")
            + (', or state the layout in the card ("nhwc" or "nchw").' if _may_be_turned(card, expected) else ".")
        )
    _check_actions(card, description.env.id, description.action)


def _may_be_stack(description: EnvironmentDescription, expected: Sequence[int], got: Sequence[int]) -> bool:
    """Whether the policy takes several observations in a row as one longer one."""
    is_flat = len(expected) == len(got) == 1 and not description.env.is_atari
    return is_flat and got[0] > expected[0] and got[0] % expected[0] == 0 and got[0] != expected[0] + 1


def _stack(frames: int) -> str:
    return (
        f". {frames} times as many numbers are often {frames} observations in a row (VecFrameStack of "
        f"Stable-Baselines3): register the environment with FrameStackObservation(env, {frames}, "
        'padding_type="zero") and FlattenObservation of gymnasium.wrappers around it, as docs/extend.md shows'
    )


def _may_be_turned(card: PolicyCard, expected: tuple[int, ...]) -> bool:
    """Whether another layout can make the shapes equal; plain weights of stacks of grey frames are not turned."""
    shape = card.observation.shape
    is_same = len(shape) == 3 and sorted(shape) == sorted(expected)
    return is_same and (card.format.startswith("onnx") or min(shape) == 1 or min(shape) % 3 == 0)


def _check_actions(card: PolicyCard, env_id: str, space: DiscreteSpace | ContinuousSpace) -> None:
    if (card.head in CONTINUOUS_HEADS) != (space.kind == "continuous"):
        taken = "actions made of numbers" if space.kind == "continuous" else "one action out of a list"
        raise ActionMismatch(
            f"{env_id} takes {taken}, which a policy with the outputs {_names(HEAD_OUTPUTS[card.head])} does not give. "
            f"Choose the environment it was trained for, or a policy with {_fitting(space)}.{_perhaps(card)}"
        )
    if isinstance(space, DiscreteSpace):
        if space.n != card.actions:
            all_actions = " (full_action_space=true, an option of env, gives 18 actions to any Atari game)"
            raise ActionMismatch(
                f"{env_id} has {space.n} actions, the policy {card.actions}. "
                f"Choose the environment it was trained for{all_actions if atari_game(env_id) else ''}."
            )
        return
    if space.n != card.actions:
        raise ActionMismatch(
            f"{env_id} takes actions of {space.n} numbers, the policy gives {card.actions}. "
            "Choose the environment it was trained for."
        )
    if card.squash == "tanh" and not space.bounded:
        raise ActionMismatch(
            f"squash 'tanh' scales actions to the bounds of their space, and {env_id} leaves some of them unbounded. "
            "State squash 'none' in the card, or bound the actions with a wrapper of the environment."
        )
    other = None if card.squash == "tanh" else other_actions(card.action_space, space)  # a tanh is taken to any bounds
    if other is not None:
        raise ActionMismatch(
            f"{env_id} takes actions of {other[1]}; the policy's file states {other[0]}, so that its numbers would "
            "mean something else here. Choose the environment it was trained for with its wrappers (such as "
            "RescaleAction), or export the policy to ONNX with the rescaling inside."
        )


_GUESSED_SCORES = " taken as logits"
"""How the guess ends that the output of an ONNX file, which does not say what it is, scores actions."""


def _perhaps(card: PolicyCard) -> str:
    """What to state where the outputs of the file may be a Gaussian, or an action, that its names do not tell."""
    if card.perhaps_gaussian is None:
        guess = next((text for text in card.guesses if text.endswith(_GUESSED_SCORES)), None)
        stated = json.dumps({"outputs": {"action": "<its name in the file>"}})
        return (
            "" if guess is None else f" It is a guess: {guess}. If that is the action, state it in the card: {stated}."
        )
    mean, deviation = card.perhaps_gaussian
    stated = json.dumps({"outputs": {"mean": mean, "log_std": deviation}}, ensure_ascii=False)
    return (
        f" If its outputs {mean!r} and {deviation!r} are the mean and the logarithm of the deviation of an action, "
        f"state that in the card: {stated} (std in place of log_std for a deviation itself)."
    )


def _fitting(space: DiscreteSpace | ContinuousSpace) -> str:
    heads = [head for head in HEAD_OUTPUTS if (head in CONTINUOUS_HEADS) == (space.kind == "continuous")]
    return ", or ".join(_names(HEAD_OUTPUTS[head]) for head in heads)


def _names(outputs: tuple[str, ...]) -> str:
    return " and ".join(repr(name) for name in outputs)


def space_notes(card: PolicyCard, description: EnvironmentDescription) -> list[str]:
    """What the file was made for that the environment is not, where that is no reason to refuse."""
    return list(notes(card.observation_space, card.action_space, description.observation, description.action))
