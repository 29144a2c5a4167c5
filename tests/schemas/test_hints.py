"""What a card may hold is said wherever somebody looks for it: in the schema, and in docs/evaluate.md."""

import re

import pytest

from saddlepoint.schemas.policies import INPUT_ROLES, OUTPUT_ROLES, PolicyHints
from tests.examples import ROOT


def _rows() -> list[list[str]]:
    """The cells of the table of cards."""
    document = (ROOT / "docs" / "evaluate.md").read_text(encoding="utf-8")
    section = document.partition("\n## Cards\n")[2].partition("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")][2:]


EXAMPLES = [text for row in _rows() for text in re.findall(r"`(\{.*\})`", row[-1])]


def test_the_table_of_cards_has_every_key_and_role() -> None:
    told = {name for row in _rows() for name in re.findall(r"`(\w+)`", row[0])}
    roles = [role.replace("*", "0") for role in (*INPUT_ROLES, *OUTPUT_ROLES)]
    assert sorted({*PolicyHints.model_fields, *roles} - told) == []
    assert sorted(name for name in told - {*PolicyHints.model_fields, *roles}) == ["state_1"]


def test_every_key_has_an_example() -> None:
    shown = {key for text in EXAMPLES for key in PolicyHints.model_validate_json(text).model_fields_set}
    assert shown == set(PolicyHints.model_fields)


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_have_known_roles(text: str) -> None:
    card = PolicyHints.model_validate_json(text)
    for stated, roles in ((card.inputs, INPUT_ROLES), (card.outputs, OUTPUT_ROLES)):
        assert {re.sub("[0-9]+$", "*", key) for key in stated} <= set(roles)


def test_every_field_of_the_schema_says_what_it_is() -> None:
    properties = PolicyHints.model_json_schema()["properties"]
    assert [name for name, field in properties.items() if not field.get("description")] == []
    assert all(role in properties["inputs"]["description"] for role in INPUT_ROLES)
    assert all(role in properties["outputs"]["description"] for role in OUTPUT_ROLES)
