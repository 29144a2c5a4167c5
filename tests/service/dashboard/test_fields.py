"""Controls from JSON Schema."""

from typing import Any

import pytest

from saddlepoint.schemas.attacks import AttackSpec
from saddlepoint.schemas.evaluations import EvaluationSpec
from service.dashboard.fields import Field, form_fields


def field_of(schema: dict[str, Any], **others: Any) -> Field:
    """The control of a property `it` with this schema."""
    (found,) = form_fields({"properties": {"it": schema}, **others}, ["it"])
    return found


@pytest.mark.parametrize(
    ("schema", "control"),
    [
        ({"type": "number"}, "number"),
        ({"type": "integer"}, "integer"),
        ({"type": "boolean"}, "flag"),
        ({"type": "string"}, "text"),
        ({"type": "string", "enum": ["a", "b"]}, "choice"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer"),
        ({"type": "array", "items": {"type": "number"}}, "numbers"),
        ({"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}, "numbers"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}]}, "integers"),
    ],
)
def test_a_type_has_a_control(schema: dict[str, Any], control: str) -> None:
    assert field_of(schema).control == control


def test_limits_choices_and_defaults_are_the_schemas() -> None:
    found = field_of({"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 2}, {"type": "null"}]})
    assert (found.minimum, found.maximum, found.default) == (0, 2, "")
    assert field_of({"enum": ["x", "y"], "type": "string", "default": "x"}).choices == ("x", "y")
    assert field_of({"type": "number", "default": 0.00025}).default == "0.00025"
    assert field_of({"type": "boolean", "default": True}).default == "true"
    assert field_of({"type": "array", "items": {"type": "integer"}, "default": [84, 84]}).default == "84, 84"


def test_a_reference_is_followed() -> None:
    found = field_of({"$ref": "#/$defs/Mode"}, **{"$defs": {"Mode": {"enum": ["a"], "type": "string"}}})
    assert (found.control, found.choices) == ("choice", ("a",))


def test_names_are_paths_and_read_as_words() -> None:
    (found,) = form_fields(AttackSpec.model_json_schema(), ["step_size"], within="each", help={"step_size": "how far"})
    assert (found.name, found.label, found.help) == ("each.step_size", "Step size", "how far")


def test_what_no_control_can_ask_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="no control"):
        form_fields(EvaluationSpec.model_json_schema(), ["when"])
    with pytest.raises(KeyError):
        form_fields(EvaluationSpec.model_json_schema(), ["no_such_field"])
