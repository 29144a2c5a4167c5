"""The card of a policy on one screen: what it takes, what it gives, and what was made of its file."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from saddlepoint.schemas.policies import CONTINUOUS_HEADS, PolicyCard

_WIDTH, _INDENT = 100, 13
_MAX_SHOWN = 4


def card_text(card: PolicyCard) -> str:
    """A line or more for each thing that there is to say; guesses come last, where they are seen."""
    rows = {
        "policy": [" ".join(filter(None, (card.id, card.name)))],
        "file": [f"{card.format}, {card.size:,} bytes", *card.contents],
        "network": [f"{card.architecture}, {card.parameters:,} parameters; torch and onnxruntime {_apart(card)}"],
        "observation": [
            f"{_shape(card.observation.shape)} {card.observation.dtype}",
            *_divided(card.own_units),
            *_stated(card.observation_space),
        ],
        "actions": [_actions(card), *_stated(card.action_space)],
        "value": ["yes" if any(output.name == "value" for output in card.outputs) else "no"],
        "critic": ["it says what actions are worth" if card.has_critic else "no"],
        "states": [", ".join(_shape(state.shape) for state in card.states) or "none: it remembers nothing"],
        "hints": [f"{name}: {_short(value)}" for name, value in _given(card).items()],
        "lineage": [f"{card.lineage.method} in {card.lineage.env.id}"] if card.lineage else [],
        "guesses": card.guesses or ["none: the file says all that matters"],
    }
    return "\n".join(line for name, texts in rows.items() for line in _row(name, texts))


def _row(name: str, texts: Iterable[str]) -> list[str]:
    """The name once, the texts beside it, below each other."""
    lines = [line for text in texts for line in textwrap.wrap(text, _WIDTH - _INDENT, subsequent_indent="  ")]
    return [f"{name if at == 0 else '':<{_INDENT}}{line}" for at, line in enumerate(lines)]


def _actions(card: PolicyCard) -> str:
    """Whether they are choices or numbers, what the policy says of them, and how they are played."""
    if card.head not in CONTINUOUS_HEADS:
        return f"one of {card.actions} choices, by {card.head}"
    deviation = ", one deviation for all observations" if card.fixed_deviation else ""
    bounds = "their tanh is taken to" if card.squash == "tanh" else "clipped to"
    numbers = "1 number" if card.actions == 1 else f"{card.actions} numbers"
    return f"{numbers}, by {card.head}{deviation}; {bounds} the environment's bounds (squash {card.squash})"


def _divided(units: tuple[float, float] | None) -> list[str]:
    if units is None:
        return []
    return [f"divided by {units[0]:.2g} to {units[1]:.2g}, in which epsilon_scale observation_std lets epsilon count"]


def _stated(space: Mapping[str, Any] | None) -> list[str]:
    if not space:
        return []
    said = [f"{key} {_short(value)}" for key, value in space.items() if key != "kind" and value is not None]
    return [f"the file says: {space.get('kind')} {', '.join(said)}".rstrip()]


def _short(value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join("-" if item is None else str(item) for item in value[:_MAX_SHOWN])
        return f"[{shown}]" if len(value) <= _MAX_SHOWN else f"[{shown}, ... {len(value)} in all]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _given(card: PolicyCard) -> dict[str, Any]:
    return card.hints.model_dump(mode="json", exclude_defaults=True, exclude={"name"})


def _shape(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _apart(card: PolicyCard) -> str:
    return f"are {card.max_disagreement:.1g} apart" if card.max_disagreement else "agree to the last bit"
