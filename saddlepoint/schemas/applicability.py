"""Whether what a specification asks for can be done to this policy in this environment."""

from math import prod

from saddlepoint.errors import InvalidEpsilon, UnsupportedAttack
from saddlepoint.schemas.attacks import MOST_TRIES, Objective, ResolvedAttack, check_radii
from saddlepoint.schemas.environments import BoxSpace, ContinuousSpace, EnvironmentDescription
from saddlepoint.schemas.evaluations import ActionMode, EvaluationSpec
from saddlepoint.schemas.policies import CONTINUOUS_HEADS, Head, PolicyCard

OBJECTIVES_OF_HEAD: dict[Head, frozenset[Objective]] = {
    "logits": frozenset({"ce", "max", "min", "kl", "margin"}),
    "q_values": frozenset({"ce", "max", "min", "kl", "margin", "value"}),
    "gaussian": frozenset({"ce", "max", "min", "kl"}),
    "action": frozenset({"ce", "max", "min", "kl"}),
}
"""What can be raised where a policy says this and nothing more; with a critic beside it, `value` as well."""


def check_applicable(spec: EvaluationSpec, card: PolicyCard, environment: EnvironmentDescription) -> None:
    """Raise UnsupportedAttack or InvalidEpsilon unless everything that `spec` asks for can be done here."""
    if card.head == "action" and spec.action_mode == "sample":
        raise UnsupportedAttack(
            "action_mode must be greedy for a policy that gives its action outright; got sample. Leave it out."
        )
    for cell in spec.cells():
        _check_objectives(cell.attack, card, environment)
        _check_options(cell.attack, environment)
        _check_when(cell.attack, card)
    _check_scale(spec, card, environment)


def scale_of(spec: EvaluationSpec, card: PolicyCard) -> tuple[float, ...] | None:
    """The unit of epsilon in each entry of an observation, flat."""
    if spec.epsilon_scale == "observation_std":
        return None if card.observation_std is None else tuple(card.observation_std)
    return spec.epsilon_scale


def shared_mode(parent: PolicyCard) -> ActionMode | None:
    """What a policy and one trained from it must be told to play to be compared; None where both do so by themselves.

    Of Q-values the best action is played, which the probabilities that PPO makes of them do only if told.
    """
    return "greedy" if parent.head == "q_values" else None


def unit_notes(spec: EvaluationSpec, card: PolicyCard) -> list[str]:
    """What epsilon counts in, where the policy has units of its own and nothing was said."""
    own = card.own_units
    is_attacked = any(cell.attack.epsilon > 0 for cell in spec.cells())
    if own is None or spec.epsilon_scale is not None or not is_attacked:
        return []
    return [
        f"Epsilon counts in the environment's units, and the policy divides its observations by {own[0]:.2g} to "
        f"{own[1]:.2g}. Budgets in units of the observations' deviations, as papers on such policies state them, "
        "take epsilon_scale observation_std."
    ]


def _check_objectives(attack: ResolvedAttack, card: PolicyCard, environment: EnvironmentDescription) -> None:
    possible = OBJECTIVES_OF_HEAD[card.head] | ({"value"} if card.has_critic else set())
    wanted = set(attack.objectives)
    if card.head in CONTINUOUS_HEADS and attack.kind == "square" and attack.loss is None:
        raise UnsupportedAttack(
            "square raises the margin unless told, which actions of numbers lack; set its loss to ce."
        )
    missing = sorted(wanted - possible)
    if missing:
        raise UnsupportedAttack(
            f"A policy that gives {card.head} can be attacked by {', '.join(sorted(possible))}; got {missing[0]}. "
            + (_wanting_critic(card) if missing[0] == "value" else "Leave it out.")
        )
    if len(attack.objectives) > MOST_TRIES:
        raise UnsupportedAttack(
            f"An attack starts at most {MOST_TRIES} times a step, got {len(attack.objectives)} (restarts, members)."
        )
    action = environment.action
    if "min" in wanted and isinstance(action, ContinuousSpace) and not _is_bounded(action):
        raise UnsupportedAttack(
            f"min pulls the action to a bound of its space; the actions of {environment.env.id} have none. Take ce."
        )


def _wanting_critic(card: PolicyCard) -> str:
    if card.head in CONTINUOUS_HEADS:
        return (
            "It needs the critic Q(s, a), which files of SB3's SAC, TQC, TD3 and DDPG hold and exports to ONNX do not: "
            "upload such a file, or leave it out."
        )
    return (
        "It needs the values of actions: upload the policy as ONNX with an output 'q_values' beside its logits, or "
        "leave it out."
    )


def _is_bounded(action: ContinuousSpace) -> bool:
    return all(side is not None and not (isinstance(side, list) and None in side) for side in (action.low, action.high))


def _check_options(attack: ResolvedAttack, environment: EnvironmentDescription) -> None:
    env, space = environment.env, environment.observation
    if attack.quantize and not space.dtype.startswith(("int", "uint")):
        raise UnsupportedAttack(
            f"quantize is for observations of whole numbers; those of {env.id} are {space.dtype}. Leave it out."
        )
    if attack.frame_consistent and not (env.is_atari and env.grayscale and env.frame_stack > 1):
        raise UnsupportedAttack(
            f"frame_consistent is for stacks of grey Atari frames; {env.id} gives {_shown(space)}. Leave it out."
        )


def _shown(space: BoxSpace) -> str:
    return f"{space.dtype} of shape {list(space.shape)}"


def _check_when(attack: ResolvedAttack, card: PolicyCard) -> None:
    kind = attack.when.kind
    if kind == "value_above" and "value" not in {output.name for output in card.outputs}:
        raise UnsupportedAttack(
            "value_above needs a policy that says how much it values an observation; this one has no output 'value'. "
            "Take another rule, or upload the policy with its critic."
        )
    if kind == "preference_gap" and card.head in CONTINUOUS_HEADS:
        raise UnsupportedAttack(
            f"preference_gap compares probabilities of actions; a policy that gives {card.head} has none. "
            "Take another rule."
        )


def _check_scale(spec: EvaluationSpec, card: PolicyCard, environment: EnvironmentDescription) -> None:
    scale, entries = scale_of(spec, card), prod(environment.observation.shape)
    if spec.epsilon_scale is not None and scale is None:
        raise InvalidEpsilon(
            "epsilon_scale 'observation_std' takes what the policy divides its observations by, and neither its card "
            "nor its network divides them. Give the numbers themselves; observation_std in the card also normalises "
            "what the policy is given, as one that was trained on normalised observations needs it."
        )
    if scale is not None:
        radii = [*(cell.attack.epsilon for cell in spec.cells()), *(cell.attack.step_size for cell in spec.cells())]
        check_radii((*scale, max(radii, default=0.0) * max(scale)))
    if scale is not None and len(scale) != entries:
        raise InvalidEpsilon(
            f"epsilon_scale has one number per entry of an observation, {entries} for {environment.env.id}; "
            f"got {len(scale)}."
        )
