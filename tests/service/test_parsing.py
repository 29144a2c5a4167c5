import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlepoint.errors import InvalidSpec, MalformedRequest, SaddlepointError, UnknownAttack
from saddlepoint.schemas.evaluations import EvaluationSpec, spec_hash
from saddlepoint.schemas.trainings import TrainingSpec, training_id
from service.parsing import Model, parse


def spec(**fields: object) -> bytes:
    return json.dumps({"env": "BoxingNoFrameskip-v4", **fields}).encode()


def test_a_specification_is_read() -> None:
    assert parse(EvaluationSpec, spec(epsilon=4), "spec").epsilon == (4.0,)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "line 1, column 2"),
        (b"", "line 1"),
        (b"\xff{}", "UTF-8"),
        (b'{"env": NaN}', "NaN"),
        (b'{"env": 1e999}', "double precision"),
        (b'{"env": "a", "env": "b"}', "twice"),
        (b'{"env": ' + b"[" * 100_000 + b"}", "deeply"),
        (b'{"steps": ' + b"9" * 5000 + b"}", "too long"),
        (b'{"env": {"id": "CartPole-v1", "kwargs": {"a": "\\ud800"}}}', "Unicode"),
        (b'{"env": ' + b"[" * 300 + b"]" * 300 + b"}", "depth"),
    ],
)
def test_what_is_no_plain_json_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedRequest, match=reason):
        parse(EvaluationSpec, data, "spec")


def test_every_wrong_field_is_named_with_rule_and_value() -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse(EvaluationSpec, spec(steps=0, precision="fp8", surprise=1), "spec")
    assert dict(caught.value.fields) == {
        "steps": "Input should be greater than or equal to 1, got 0",
        "precision": "Input should be 'fp32' or 'bf16', got 'fp8'",
        "surprise": "is no field here",
    }


@pytest.mark.parametrize(("field", "meant"), [("episodes", "episodes_per_seed"), ("seed", "seeds")])
def test_a_field_that_is_none_is_answered_with_the_one_that_was_meant(field: str, meant: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse(EvaluationSpec, spec(**{field: 1}), "spec")
    assert caught.value.fields == ((field, f"is no field here, did you mean {meant}?"),)
    assert str(caught.value).count("no field here") == 1


def test_a_missing_field_is_required() -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse(EvaluationSpec, b"{}", "spec")
    assert caught.value.fields == (("env", "is required"),)


def test_what_is_quoted_is_short() -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse(EvaluationSpec, spec(tier="x" * 10_000), "spec")
    assert len(caught.value.message) < 1000


def test_errors_of_the_schemas_keep_their_codes() -> None:
    with pytest.raises(UnknownAttack):
        parse(EvaluationSpec, spec(attacks=[{"kind": "nuke"}]), "spec")


scalars = st.sampled_from([None, True, 0, -1, 7, 2**70, 0.5, -1e300, "", "ce", "x" * 50, "\x00", "é"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "kind", "a"]), inner),
    max_leaves=6,
)
envs = (
    st.just("BoxingNoFrameskip-v4") | st.just("CartPole-v1") | st.fixed_dictionaries({"id": values, "kwargs": values})
)
attack = st.fixed_dictionaries(
    {"kind": scalars | values}, optional=dict.fromkeys(["label", "epsilon", "steps", "step_size"], values)
)
specs = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(EvaluationSpec.model_fields, values)
    | {"env": envs, "attacks": st.lists(scalars | attack, max_size=3), "policy_id": scalars},
)


def answered(model: type[Model], fields: dict[str, object]) -> Model | None:
    """What the fields mean, None if they are refused; any other exception is a bug."""
    with contextlib.suppress(SaddlepointError):
        return parse(model, json.dumps(fields).encode(), "spec")
    return None


@settings(max_examples=150, deadline=None)
@given(fields=specs)
def test_any_json_is_a_specification_that_can_be_hashed_and_stored_or_is_refused(fields: dict[str, object]) -> None:
    read = answered(EvaluationSpec, fields)
    if read is not None:
        stored = EvaluationSpec.model_validate_json(read.model_dump_json())
        assert spec_hash(stored, "p") == spec_hash(read, "p")


@settings(max_examples=80, deadline=None)
@given(fields=st.fixed_dictionaries({"env": envs, "config": values}, optional={"seed": values, "name": values}))
def test_any_json_is_a_training_that_can_be_hashed_and_stored_or_is_refused(fields: dict[str, object]) -> None:
    read = answered(TrainingSpec, fields)
    if read is not None:
        stored = TrainingSpec.model_validate_json(read.model_dump_json())
        assert training_id("me", stored, 0) == training_id("me", read, 0)


def test_deep_options_of_an_environment_are_hashed() -> None:
    deep: object = 1
    for _ in range(150):
        deep = {"a": deep}
    read = parse(EvaluationSpec, spec(env={"id": "CartPole-v1", "kwargs": deep}, epsilon=1), "spec")
    assert len(spec_hash(read, "p")) == 32
