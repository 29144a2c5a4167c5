"""What a policy says of actions: scores, values, Gaussians or the action itself, found by card, by name or by shape."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from stable_baselines3 import PPO, SAC, TD3
from torch import nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import load_network
from tests.policies.conftest import Exported
from tests.policies.continuous_models import (
    BareGaussianMlp,
    DependentGaussianMlp,
    DuelingQ,
    GaussianMlp,
    ScaledActor,
    exported_by_guide,
    sb3_module,
)
from tests.policies.networks import export_new, export_old, imported, seeded, vectors
from tests.policies.onnx_models import Array, behind, ints, matrix, model, node

EXPORTERS = [pytest.param("new", marks=pytest.mark.slow), "old"]
GAUSSIAN = ("mean", "log_std")
Named = Callable[[Callable[[], nn.Module], tuple[str, ...], str], bytes]


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Named:
    """Exports whose outputs have names."""

    def export(make: Callable[[], nn.Module], names: tuple[str, ...], exporter: str) -> bytes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _export(seeded(make), names, exporter)

    def _export(network: nn.Module, names: tuple[str, ...], exporter: str) -> bytes:
        if exporter == "new":
            return export_new(network, vectors(1), tmp_path_factory.mktemp("onnx"), output_names=list(names))
        return export_old(network, vectors(1), dynamic=True, output_names=list(names))

    return export


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(
    ("make", "is_fixed", "told"),
    [(GaussianMlp, True, 0), (BareGaussianMlp, True, 1), (DependentGaussianMlp, False, 0)],
)
def test_a_gaussian_has_one_log_std_per_row(
    named: Named, make: Callable[[], nn.Module], is_fixed: bool, told: int, exporter: str
) -> None:
    names = (*GAUSSIAN, "value") if make is DependentGaussianMlp else GAUSSIAN
    policy = imported(named(make, names, exporter))
    with torch.no_grad():
        mean, deviation = seeded(make)(vectors(3))[:2]
        outputs = load_network(policy.model)(vectors(3))
    torch.testing.assert_close(outputs.head, torch.cat([mean, deviation.expand(3, -1)], 1), atol=1e-5, rtol=0)
    card = policy.card
    assert (card.head, card.actions, card.fixed_deviation, card.squash) == ("gaussian", 2, is_fixed, "none")
    assert [item.name for item in card.outputs] == list(names)
    # The older exporter renames an output that it folds.
    assert len(card.guesses) == (told if exporter == "old" else 0)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_squash_is_as_the_card_says(named: Named, exporter: str) -> None:
    data = named(DependentGaussianMlp, (*GAUSSIAN, "value"), exporter)
    assert imported(data, squash="tanh").card.squash == "tanh"
    with pytest.raises(PolicyRejected, match="squash 'tanh'"):
        imported(data, squash="tanh", outputs={"action": "mean"})


def test_outputs_of_other_names_are_mapped_by_the_card(exported: Exported) -> None:
    data = exported(DependentGaussianMlp, vectors(1), "old", False)
    with pytest.raises(PolicyRejected, match="2 outputs of this model"):
        imported(data)
    graph = onnx.load_model_from_string(data).graph
    mean, deviation, value = (item.name for item in graph.output)
    policy = imported(data, outputs={"mean": mean, "log_std": deviation, "value": value})
    assert (policy.card.head, policy.card.guesses) == ("gaussian", [])
    action = imported(data, outputs={"action": mean})
    assert (action.card.head, action.card.actions) == ("action", 2)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_values_of_actions_by_name(named: Named, exporter: str) -> None:
    policy = imported(named(DuelingQ, ("q_values",), exporter))
    with torch.no_grad():
        torch.testing.assert_close(
            load_network(policy.model)(vectors(3)).head, seeded(DuelingQ)(vectors(3)), atol=1e-5, rtol=0
        )
    assert (policy.card.head, policy.card.actions, policy.card.guesses) == ("q_values", 3, [])


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(("name", "told"), [("action", 0), ("output", 1)])
def test_an_action_behind_a_scaled_tanh(named: Named, name: str, told: int, exporter: str) -> None:
    policy = imported(named(ScaledActor, (name,), exporter))
    with torch.no_grad():
        torch.testing.assert_close(
            load_network(policy.model)(vectors(3)).head, seeded(ScaledActor)(vectors(3)), atol=1e-5, rtol=0
        )
    assert (policy.card.head, policy.card.actions, len(policy.card.guesses)) == ("action", 2, told)


@pytest.mark.parametrize(
    ("exporter", "dimensions"), [pytest.param("new", 2, marks=pytest.mark.slow), ("old", 1), ("old", 2)]
)
@pytest.mark.parametrize("kind", [PPO, SAC, TD3])
def test_exports_by_the_guide_of_sb3_give_actions(
    kind: type[PPO], dimensions: int, exporter: str, tmp_path: Path
) -> None:
    network = sb3_module(kind, dimensions)
    policy = imported(exported_by_guide(network, exporter, tmp_path))
    with torch.no_grad():
        outputs = network(vectors(3))
        expected = outputs[0] if kind is PPO else outputs
        found = load_network(policy.model)(vectors(3))
    torch.testing.assert_close(found.head, expected, atol=1e-5, rtol=0)
    assert (policy.card.head, policy.card.actions) == ("action", dimensions)
    assert (found.value is not None) == (kind is PPO)
    assert any("taken as action" in guess for guess in policy.card.guesses)


FIRST, SECOND = node("MatMul", ["observation", "w"], ["mean"]), node("MatMul", ["observation", "v"], ["log_std"])


def pair(mean: str, deviation: str, *beside: onnx.NodeProto, op: str = "Identity", width: int = 3) -> bytes:
    """A linear mean (N, 3) and `op` of another linear output (N, width), by these names, with what stands beside."""
    nodes = [
        node("MatMul", ["observation", "w"], [mean]),
        node("MatMul", ["observation", "v"], ["raw"]),
        node(op, ["raw"], [deviation]),
        *beside,
    ]
    weights = {"w": matrix(), "v": matrix(4, width, seed=1), "u": matrix(4, 5)}
    outputs = (mean, deviation, *(name for item in beside for name in item.output))
    return bytes(model(nodes, weights, outputs=outputs).SerializeToString())


def mean_and_log_std() -> Array:
    rows = vectors(3).numpy()
    return np.concatenate([rows @ matrix(), rows @ matrix(4, 3, seed=1)], axis=1)


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [
        ("action_mean", "action_log_std"),
        ("mu", "logstd"),
        ("mu", "log_stdev"),
        ("means", "log_stds"),
        ("Mean.Actions", "action-logstd"),
        ("loc", "log_scale"),
        ("mean", "log_sigma"),
        ("mu", "log_std"),
    ],
)
def test_a_mean_and_a_logarithm_are_known_by_their_usual_names(mean: str, deviation: str) -> None:
    policy = imported(pair(mean, deviation))
    np.testing.assert_allclose(load_network(policy.model)(vectors(3)).head.numpy(), mean_and_log_std(), atol=1e-5)
    assert policy.card.head == "gaussian"
    told = [f"output {mean!r} taken as mean"] if mean != "mean" else []
    told += [f"output {deviation!r} taken as log_std"] if deviation != "log_std" else []
    assert policy.card.guesses == told


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [("loc", "scale"), ("action_mean", "action_std"), ("mu", "sigma"), ("mean", "std"), ("means", "STDDEV")],
)
def test_of_a_deviation_itself_the_logarithm_is_taken_and_told(mean: str, deviation: str) -> None:
    policy = imported(pair(mean, deviation, op="Exp"))
    np.testing.assert_allclose(load_network(policy.model)(vectors(3)).head.numpy(), mean_and_log_std(), atol=1e-5)
    assert (policy.card.head, policy.card.fixed_deviation) == ("gaussian", False)
    assert policy.card.guesses[-1] == f"output {deviation!r} taken as a deviation: log_std is its logarithm"


@pytest.mark.parametrize("outputs", [{"mean": "first", "std": "second"}, {"std": "second", "mean": "first"}])
def test_the_card_can_name_a_deviation_itself(outputs: dict[str, str]) -> None:
    policy = imported(pair("first", "second", op="Exp"), outputs=outputs)
    np.testing.assert_allclose(load_network(policy.model)(vectors(3)).head.numpy(), mean_and_log_std(), atol=1e-5)
    assert (policy.card.head, policy.card.guesses) == ("gaussian", [])


def test_the_card_may_name_one_part_where_the_other_has_a_usual_name() -> None:
    policy = imported(pair("first", "sigma", op="Exp"), outputs={"mean": "first"})
    assert (policy.card.head, len(policy.card.guesses)) == ("gaussian", 1)


def test_a_constant_deviation_has_one_logarithm() -> None:
    weights = {"w": matrix(), "std": np.array([0.5, 1.0, 2.0], np.float32)}
    policy = imported(model([FIRST], weights, outputs=("mean", "std")).SerializeToString())
    head = load_network(policy.model)(vectors(3)).head.numpy()
    assert policy.card.fixed_deviation
    np.testing.assert_allclose(head[:, 3:], np.log([[0.5, 1.0, 2.0]] * 3), atol=1e-6)


@pytest.mark.parametrize(
    ("deviation", "words"),
    [
        (pair("mu", "sigma"), "must be finite"),
        (model([FIRST], {"w": matrix(), "std": np.zeros(3, np.float32)}, outputs=("mean", "std")), "is above 0"),
        (pair("mu", "sigma", op="Relu"), "must be finite"),
    ],
)
def test_a_deviation_that_is_not_above_zero_is_refused(deviation: Any, words: str) -> None:
    data = deviation if isinstance(deviation, bytes) else deviation.SerializeToString()
    with pytest.raises(PolicyRejected, match=words):
        imported(data)


@pytest.mark.parametrize(
    "beside",
    [
        node("Softmax", ["mu"], ["probs"], axis=-1),
        node("ArgMax", ["mu"], ["action"], axis=1, keepdims=0),
    ],
)
def test_a_policy_of_choices_is_no_gaussian_by_the_names_beside_it(beside: onnx.NodeProto) -> None:
    assert imported(pair("mu", "sigma", beside, op="Exp")).card.head == "logits"


@pytest.mark.parametrize("name", ["policy", "pi"])
def test_scores_beside_a_gaussian_of_something_else_are_the_policy(name: str) -> None:
    """Such as that of a model of the world."""
    scores = node("MatMul", ["observation", "u"], [name])
    data = pair("mu", "sigma", scores, op="Exp")
    assert (imported(data).card.head, imported(data).card.actions) == ("logits", 5)


@pytest.mark.parametrize(
    ("data", "listed"),
    [
        (pair("mu", "sigma", node("Tanh", ["mu"], ["act"]), op="Exp"), "'mu', 'sigma', 'act'"),
        (pair("mu", "sigma", op="Exp", width=2), "2 outputs of this model could be that: 'mu', 'sigma'"),
        (pair("mu", "sigma", node("MatMul", ["observation", "u"], ["output"]), op="Exp"), "'mu', 'sigma', 'output'"),
    ],
)
def test_usual_names_of_unequal_widths_are_no_gaussian(data: bytes, listed: str) -> None:
    with pytest.raises(PolicyRejected, match=listed):
        imported(data)


def test_what_could_be_a_gaussian_under_other_names_is_kept_for_the_refusal() -> None:
    policy = imported(pair("policy_head", "second"))
    assert (policy.card.head, policy.card.perhaps_gaussian) == ("logits", ("policy_head", "second"))
    assert imported(pair("policy_head", "second", width=2)).card.perhaps_gaussian is None
    assert imported(pair("logits", "second")).card.perhaps_gaussian is None


def two(width: int = 3, outputs: tuple[str, ...] = GAUSSIAN, **weights: Array) -> bytes:
    """Linear mean (N, 3) and log_std (N, width)."""
    return bytes(
        model([FIRST, SECOND], {"w": matrix(), "v": matrix(4, width), **weights}, outputs=outputs).SerializeToString()
    )


@pytest.mark.parametrize(
    "deviation", [np.array([-1.0, 0.0, 1.0]), np.array([[-1.0, 0.0, 1.0]]), np.array(-1.0), np.array([[-1.0]])]
)
def test_a_weight_can_be_the_log_std(deviation: Array) -> None:
    weights = {"w": matrix(), "log_std": deviation.astype(np.float32)}
    policy = imported(model([FIRST], weights, outputs=GAUSSIAN).SerializeToString())
    head = load_network(policy.model)(vectors(3)).head.numpy()
    assert policy.card.fixed_deviation
    np.testing.assert_array_equal(head[:, 3:], np.broadcast_to(deviation.astype(np.float32).reshape(-1), (3, 3)))


def test_the_network_goes_before_the_action_chosen_from_it() -> None:
    nodes = [
        node("MatMul", ["observation", "w"], ["logits"]),
        node("ArgMax", ["logits"], ["action"], axis=1, keepdims=0),
    ]
    policy = imported(model(nodes, {"w": matrix()}, outputs=("action", "logits")).SerializeToString())
    assert (policy.card.head, policy.card.guesses) == ("logits", [])
    alone = imported(model(nodes, {"w": matrix()}, outputs=("action",)).SerializeToString())
    assert (alone.card.head, len(alone.card.guesses)) == ("logits", 1)


@pytest.mark.parametrize(
    ("data", "hints", "words"),
    [
        (two(outputs=("mean",)), {}, "'mean' and 'log_std'"),
        (two(outputs=("log_std",)), {}, "'mean' and 'log_std'"),
        (two(2), {}, "one number each"),
        (two(2), {"outputs": {"mean": "mean", "std": "log_std"}}, "one number each"),
        (two(), {"outputs": {"log_std": "log_std", "std": "log_std"}}, "one deviation"),
        (two(outputs=("mean",)), {"outputs": {"std": "log_std"}}, "must be finite"),
        (two(), {"outputs": {"mean": "mean", "logits": "log_std"}}, "one head"),
        (two(), {"outputs": {"q_values": "nothing"}}, "no output called 'nothing'"),
        (two(1), {"outputs": {"q_values": "log_std"}}, "one per action"),
        (two(), {"outputs": {"log_std": "missing"}}, "must be an input, a weight or the output of a node"),
        (model([FIRST], {"w": matrix(), "log_std": matrix(2, 3)}, outputs=GAUSSIAN), {}, "rows of shape"),
        (model([FIRST], {"w": matrix(), "log_std": matrix(1, 2)}, outputs=GAUSSIAN), {}, "rows of shape"),
        (model([FIRST], {"w": matrix(), "d": np.full(3, 0.5, np.float32)}, outputs=("mean", "d")), {}, "log_std"),
    ],
)
def test_heads_that_do_not_fit_are_refused(data: Any, hints: dict[str, Any], words: str) -> None:
    data = data if isinstance(data, bytes) else data.SerializeToString()
    with pytest.raises(PolicyRejected) as caught:
        imported(data, **hints)
    assert words in str(caught.value)


SUM = node("ReduceSum", ["e", "last"], ["sum"], keepdims=1)
SOFTMAX = node("Softmax", ["x"], ["p"], axis=-1)
PROBABILITIES: dict[str, list[onnx.NodeProto]] = {
    "softmax": [node("Softmax", ["x"], ["y"], axis=-1)],
    "its logarithm": [node("LogSoftmax", ["x"], ["y"], axis=-1)],
    "divided by their sum": [
        SOFTMAX,
        node("ReduceSum", ["p", "last"], ["sum"], keepdims=1),
        node("Div", ["p", "sum"], ["y"]),
    ],
    "clamped": [SOFTMAX, node("Clip", ["p", "tiny"], ["y"])],
    "by hand": [node("Exp", ["x"], ["e"]), SUM, node("Div", ["e", "sum"], ["y"])],
    "of a step": [
        node("Unsqueeze", ["x", "middle"], ["steps"]),
        node("Softmax", ["steps"], ["y"], axis=-1),
    ],
}


@pytest.mark.parametrize(
    ("name", "hints"), [("logits", {}), ("probs", {}), ("probs", {"outputs": {"logits": "probs"}})]
)
@pytest.mark.parametrize("kind", PROBABILITIES)
def test_probabilities_are_no_logits_whatever_they_are_called(kind: str, name: str, hints: dict[str, Any]) -> None:
    nodes = [onnx.NodeProto.FromString(item.SerializeToString()) for item in PROBABILITIES[kind]]
    nodes[-1].output[:] = [name]
    weights = {"last": ints(-1), "middle": ints(1), "tiny": np.array(1e-8, np.float32)}
    policy = imported(behind(*nodes, weights=weights, outputs=(name,)).SerializeToString(), **hints)
    found = load_network(policy.model)(vectors(3)).logits.softmax(-1)
    expected = (vectors(3) @ torch.from_numpy(matrix())).softmax(-1)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert any("probabilities" in guess for guess in policy.card.guesses)


def test_the_logarithm_of_probabilities_has_gradients_and_is_told() -> None:
    nodes = [node("Exp", ["x"], ["e"]), SUM, node("Div", ["e", "sum"], ["logits"])]
    policy = imported(behind(*nodes, weights={"last": ints(-1)}).SerializeToString())
    assert policy.card.guesses == ["output 'logits' holds probabilities (its rows sum to 1): their logarithm is taken"]
    rows = vectors(3).requires_grad_()
    found = torch.autograd.grad(load_network(policy.model)(rows).logits[:, 0].sum(), rows)
    logarithms = (rows @ torch.from_numpy(matrix())).log_softmax(-1)
    torch.testing.assert_close(found, torch.autograd.grad(logarithms[:, 0].sum(), rows), atol=1e-5, rtol=0)


def test_probabilities_whose_logarithm_has_lost_its_digits_are_refused() -> None:
    nodes = [
        node("MatMul", ["observation", "w"], ["x"]),
        node("Sigmoid", ["x"], ["p"]),
        node("Sub", ["one", "p"], ["q"]),
        node("Concat", ["p", "q"], ["logits"], axis=1),
    ]
    weights = {"w": 4 * matrix(4, 1), "one": np.array(1, np.float32)}
    with pytest.raises(PolicyRejected, match=r"lost their digits.*logits"):
        imported(model(nodes, weights).SerializeToString())


def test_scores_that_are_positive_stay_logits() -> None:
    policy = imported(behind(node("Exp", ["x"], ["logits"])).SerializeToString())
    assert policy.card.guesses == []


@pytest.mark.parametrize("part", ["logits", "q_values"])
def test_a_stated_output_is_looked_behind_the_choice_of_an_action(part: str) -> None:
    choice = node("ArgMax", ["x"], ["action"], axis=1, keepdims=0)
    policy = imported(behind(choice, outputs=("action",)).SerializeToString(), outputs={part: "action"})
    head = load_network(policy.model)(vectors(3)).head.numpy()
    np.testing.assert_allclose(head, vectors(3).numpy() @ matrix(), atol=1e-6)
    assert policy.card.head == part
    assert policy.card.guesses == [f"{part} taken from before the choice of an action behind the output 'action'"]
