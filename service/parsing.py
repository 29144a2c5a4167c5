"""Untrusted JSON into schemas: one strict reader for bodies and for parts of forms."""

import json
import math
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from saddlepoint.errors import InvalidRequest, InvalidSpec, MalformedRequest

Model = TypeVar("Model", bound=BaseModel)
_MAX_QUOTED = 80
_MAX_FIELDS = 20


def parse(model: type[Model], data: bytes, what: str) -> Model:
    """The `model` that `data` holds as JSON; `what` names it to the user.

    Raises MalformedRequest where `data` is no JSON, or JSON that could mean two things (a key given twice, NaN, a
    number beyond double precision), InvalidSpec with one entry a field where it does not fit the model, and whatever
    the model's own validators raise.
    """
    _check_strict(data, what)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise _translated(error, what, model) from None


def _translated(error: ValidationError, what: str, model: type[BaseModel]) -> InvalidRequest:
    entries = error.errors(include_url=False)
    if entries[0]["type"] == "json_invalid":
        return MalformedRequest(f"The {what} must be a JSON object of sane depth and valid Unicode. Correct it.")
    fields = tuple(_field(entry, model) for entry in entries[:_MAX_FIELDS])
    shown = "; ".join(f"{location}: {reason}" for location, reason in fields[:3])
    return InvalidSpec(
        f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'} of the {what} cannot be taken: {shown}. "
        "GET /docs says what it may hold.",
        fields,
    )


def _field(entry: Any, model: type[BaseModel]) -> tuple[str, str]:
    location = ".".join(map(str, entry["loc"])) or "(the whole)"
    if entry["type"] == "missing":
        return location, "is required"
    if entry["type"] == "extra_forbidden":
        return location, f"is no field here{_suggestion(location, model)}"
    value = repr(entry["input"])
    if len(value) > _MAX_QUOTED:
        value = value[:_MAX_QUOTED] + "…"
    return location, f"{entry['msg']}, got {value}"


def _suggestion(location: str, model: type[BaseModel]) -> str:
    """The field of `model` that was probably meant; deeper ones are not looked for."""
    longer = [name for name in model.model_fields if name.startswith(location)]
    close = longer or get_close_matches(location, model.model_fields, n=1)
    return f", did you mean {close[0]}?" if close else ""


def _check_strict(data: bytes, what: str) -> None:
    try:
        json.loads(data.decode(), parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_distinct)
    except _Ambiguous as error:
        reason = str(error)
    except json.JSONDecodeError as error:
        reason = f"it stops being JSON at line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError:
        reason = "it holds a number that is too long"
    else:
        return
    raise MalformedRequest(f"The {what} must be a JSON object; {reason}. Correct it and send it again.")


class _Ambiguous(Exception):
    """JSON that parsers disagree about."""


def _refuse(constant: str) -> float:
    raise _Ambiguous(f"it holds {constant}, which JSON does not know")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Ambiguous("it holds a number beyond double precision")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _Ambiguous("it gives a key twice")
    return dict(pairs)
