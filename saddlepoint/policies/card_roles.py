"""The roles that the card gives to names of the file: each must be one, since a misspelt one would do nothing."""

import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies.naming import plain
from saddlepoint.schemas.policies import INPUT_ROLES, OUTPUT_ROLES, PolicyHints

_ROLES = {"inputs": INPUT_ROLES, "outputs": OUTPUT_ROLES}


def check_roles(hints: PolicyHints, inputs: Collection[str] = (), outputs: Collection[str] = ()) -> None:
    """Raise UnsupportedArchitecture unless every key of the card's `inputs` and `outputs` is a role.

    `inputs` and `outputs` are the names in the file, where it has any.
    """
    for field, stated, names in (("inputs", hints.inputs, inputs), ("outputs", hints.outputs, outputs)):
        unknown = [key for key in stated if not _is_role(field, key)]
        if unknown:
            *first, last = _ROLES[field]
            raise UnsupportedArchitecture(
                f"The card's {field} give the name in the file to each role; {plain(unknown[0])!r} is no role. Roles "
                f"of {field} are {', '.join(first)} and {last}. {_way_out(field, stated, unknown[0], names)}"
            )


def _is_role(field: str, key: str) -> bool:
    """Whether it is listed, or begins as one that ends in a star does."""
    starts = [role.removesuffix("*") for role in _ROLES[field] if role.endswith("*")]
    return key in _ROLES[field] or any(key.startswith(start) and key != start for start in starts)


def _way_out(field: str, stated: Mapping[str, str], unknown: str, names: Collection[str]) -> str:
    """What was probably meant: the other way round, the other field, or a role that is spelt alike."""
    if unknown in names and _is_role(field, stated[unknown]):
        turned = {key: name for key, name in stated.items() if _is_role(field, key)}
        turned |= {name: plain(key) for key, name in stated.items() if key in names and _is_role(field, name)}
        return f"Write it the other way round: {json.dumps({field: turned})}."
    other = next((other for other in _ROLES if other != field and _is_role(other, unknown)), None)
    if other is not None:
        return f"It is a role of {other}: move it there."
    longer = [role for role in _ROLES[field] if role.startswith(unknown)]
    close = longer or get_close_matches(unknown, _ROLES[field], n=1)
    return f"Did you mean {close[0]!r}?" if close else "Correct or leave out that entry."
