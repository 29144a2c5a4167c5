"""Fields of a form from the JSON Schema of what it asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Control = Literal["number", "integer", "numbers", "integers", "choice", "flag", "text"]
"""What a value is and how it is typed: `numbers` are written with commas."""

_SIMPLE: Mapping[str, Control] = {"number": "number", "integer": "integer", "boolean": "flag", "string": "text"}
_LISTS: Mapping[str, Control] = {"number": "numbers", "integer": "integers"}


@dataclass(frozen=True)
class Field:
    """One control. `name` is the path of the value in the specification; left empty, the value is left out."""

    name: str
    label: str
    control: Control
    help: str = ""
    default: str = ""
    """As it is shown where nothing is typed; of a flag `true` where it is set to begin with."""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


def form_fields(
    schema: Mapping[str, Any], names: Sequence[str], *, within: str = "", help: Mapping[str, str] | None = None
) -> list[Field]:
    """A control for each of the properties `names` of an object's schema, whose value lies `within` a larger one.

    Raises KeyError where the schema has no such property, and ValueError where no control can ask for it.
    """
    definitions = schema.get("$defs", {})
    prefix = f"{within}." if within else ""
    return [
        _field(prefix + name, name, schema["properties"][name], definitions, (help or {}).get(name, ""))
        for name in names
    ]


def _field(path: str, name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], help: str) -> Field:
    kinds = [_resolved(kind, definitions) for kind in schema.get("anyOf", [schema])]
    shown = next(kind for kind in kinds if kind.get("type") != "null")
    control = _control(path, shown, kinds)
    listed = shown.get("items", shown)
    return Field(
        name=path,
        label=name.replace("_", " ").capitalize(),
        control=control,
        help=help or schema.get("description", ""),
        default=_default(schema.get("default")),
        minimum=listed.get("minimum", listed.get("exclusiveMinimum")),
        maximum=listed.get("maximum", listed.get("exclusiveMaximum")),
        choices=tuple(map(str, shown.get("enum", ()))),
    )


def _control(path: str, shown: Mapping[str, Any], kinds: Sequence[Mapping[str, Any]]) -> Control:
    if "enum" in shown:
        return "choice"
    for kind in kinds:
        if kind.get("type") == "array":
            items: Mapping[str, Any] = kind.get("items") or next(iter(kind.get("prefixItems", ())), {})
            if items.get("type") in _LISTS:
                return _LISTS[items["type"]]
    if shown.get("type") in _SIMPLE:
        return _SIMPLE[shown["type"]]
    raise ValueError(f"no control can ask for {path}: {shown}")


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else definitions[str(reference).rpartition("/")[2]]


def _default(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
