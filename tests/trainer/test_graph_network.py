"""Any uploaded policy as the network to train: the same outputs at first, and everything in it that learns does."""

from dataclasses import replace

import pytest
import torch

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies import ImportedPolicy, load_network
from saddlepoint.policies.builder import GraphBuilder, Known, Live
from saddlepoint.policies.gaussians import gsde_log_std
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.onnx_writer import to_onnx
from saddlepoint.schemas.policies import PolicyCard
from tests.trainer.parents import observations, parent
from tests.trainer.worlds import world
from trainer.graph_network import GraphNetwork
from trainer.parent import inherit

KINDS = ["perceptron", "critical", "layer-norm", "dueling", "impala", "gaussian", "dependent", "squashed"]


def child_of(policy: ImportedPolicy) -> GraphNetwork:
    card = policy.card
    description = world(card.observation.shape, card.actions, continuous=card.head == "gaussian")
    network = inherit(policy, description, torch.Generator().manual_seed(0), 1.0)
    assert isinstance(network, GraphNetwork)
    return network


def by_hand(graph: Graph, **card: object) -> ImportedPolicy:
    """A policy of a graph; its card is that of another one but for what matters."""
    like: PolicyCard = parent("gaussian" if graph.head == "gaussian" else "perceptron").card
    return ImportedPolicy(to_onnx(graph), like.model_copy(update={"fixed_deviation": False, **card}))


def dense(build: GraphBuilder, x: Live, outputs: int, *, bias: bool = True) -> Live:
    generator = torch.Generator().manual_seed(outputs)
    weight = torch.randn(outputs, x.shapes[0][-1], generator=generator)
    parts = [weight, torch.randn(outputs, generator=generator)] if bias else [weight]
    return build.live("Gemm", x, *map(Known.of, parts))


@pytest.mark.parametrize("kind", KINDS)
def test_at_first_it_says_what_the_parent_says(kind: str) -> None:
    policy = parent(kind)
    expected, network = load_network(policy.model)(observations(policy)), child_of(policy)
    with torch.no_grad():
        head, value = network(network.encode(observations(policy)))
    temperature = policy.card.hints.temperature or 1.0
    torch.testing.assert_close(head * temperature, expected.head, atol=1e-5, rtol=0)
    assert value.shape == (16,)
    if expected.value is not None:
        torch.testing.assert_close(value, expected.value, atol=1e-5, rtol=0)


def test_values_of_actions_become_logits_at_their_temperature() -> None:
    policy = parent("dueling")
    network = child_of(policy)
    head, _ = network(network.encode(observations(policy)))
    torch.testing.assert_close(head, load_network(policy.model)(observations(policy)).head / 0.5)
    assert network.graph().head == "logits"


def test_weights_are_trained_and_the_statistics_of_observations_are_not() -> None:
    network = child_of(parent("critical"))
    layers = [f"dense{index}_{part}" for index in range(4) for part in ("weight", "bias")]
    assert [name for name, _ in network.named_parameters()] == layers
    assert sorted(float(buffer) for buffer in network.buffers()) == [0.5, 2.0]


def test_a_deviation_that_is_always_the_same_is_a_weight() -> None:
    network = child_of(parent("gaussian"))
    log_std = network.get_parameter("free_log_std")
    assert log_std.tolist() == [-0.5, 0.25]
    head, _ = network(torch.randn(3, 4))
    (gradient,) = torch.autograd.grad(head.sum(), log_std)
    assert gradient.tolist() == [3.0, 3.0]


def test_one_that_depends_on_the_observation_is_trained_through_its_layers() -> None:
    network = child_of(parent("dependent"))
    network(torch.randn(3, 4))[0][:, 2:].sum().backward()
    reached = [name for name, weight in network.named_parameters() if weight.grad is not None and weight.grad.any()]
    assert reached == ["dense0_weight", "dense0_bias", "dense2_weight", "dense2_bias"]


def test_the_variance_of_state_dependent_exploration_stays_positive_by_staying_as_it_is() -> None:
    build = GraphBuilder((4,))
    latent = build.live("Tanh", dense(build, build.observation, 8))
    log_std = gsde_log_std(build, latent, torch.zeros(8, 2), 2, use_expln=False)
    graph = build.finish(mean=dense(build, latent, 2), log_std=log_std)
    names = [name for name, weight in child_of(by_hand(graph)).named_parameters() if len(weight) in (2, 8)]
    assert names == ["dense0_weight", "dense0_bias", "dense1_weight", "dense1_bias"]


def test_a_bias_in_an_operation_of_its_own_is_trained_and_a_mask_is_not() -> None:
    build = GraphBuilder((4,))
    hidden = build.live("Add", dense(build, build.observation, 8, bias=False), Known.of(torch.ones(8)))
    logits = build.live("Add", dense(build, hidden, 2), Known.of(torch.tensor([0.0, -1e8])))
    network = child_of(by_hand(build.finish(logits=logits)))
    assert torch.equal(network.get_parameter("dense0_bias"), torch.ones(8))
    assert [buffer.tolist() for buffer in network.buffers()] == [[0.0, -1e8]]


def test_a_picture_policy_gets_a_value_of_zero_on_the_features_of_its_last_layer() -> None:
    policy = parent("impala")
    network = child_of(policy)
    _, value = network(network.encode(observations(policy)))
    assert value.tolist() == [0.0] * 16
    first, _, *rest = torch.autograd.grad(value.sum(), list(network.parameters()), allow_unused=True)
    assert first is not None
    assert not bool(first.any())  # the trained features are left alone
    assert rest[-2] is not None
    assert bool(rest[-2].any())


def test_a_vector_policy_gets_a_critic_apart_on_what_its_first_layer_reads() -> None:
    build = GraphBuilder((4,))
    standardised = build.live("Div", build.observation, Known.of(torch.tensor(1000.0)))
    network = child_of(by_hand(build.finish(logits=dense(build, standardised, 2))))
    _, value = network(torch.tensor([[1.0] * 4, [2.0] * 4]))
    assert value.tolist() == pytest.approx([0.0, 0.0], abs=0.02)
    policy_weight, *_ = torch.autograd.grad(value.sum(), list(network.parameters()), allow_unused=True)
    assert policy_weight is None


def test_a_critic_apart_shares_no_weight_with_the_policy_not_even_a_norm() -> None:
    build = GraphBuilder((4,))
    normal = build.live("LayerNormalization", build.observation, Known.of(torch.ones(4)), axis=1, epsilon=1e-5)
    network = child_of(by_hand(build.finish(logits=dense(build, normal, 2))))
    network(torch.randn(3, 4))[1].sum().backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert still == ["norm0_weight", "dense1_weight", "dense1_bias"]


def test_a_critic_beside_a_policy_of_branches_sees_the_whole_observation() -> None:
    build = GraphBuilder((4,))
    halves = [
        build.live("Slice", build.observation, starts=(at,), ends=(at + 2,), axes=(1,), steps=(1,)) for at in (0, 2)
    ]
    joined = build.live("Concat", *[dense(build, half, 3) for half in halves], axis=1)
    network = child_of(by_hand(build.finish(logits=dense(build, joined, 2))))
    x = torch.randn(1, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x)[1].sum(), x)
    assert bool((gradient != 0).all())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_frozen_policy_is_the_network(kind: str, precision: str) -> None:
    policy = parent(kind)
    network = child_of(policy)
    network.precision = precision  # type: ignore[assignment]
    encoded = network.encode(observations(policy))
    frozen = network.frozen()
    with torch.no_grad():
        expected, _ = network(encoded)
        got = frozen.forward_attack(frozen.to_attack_layout(encoded.float())).head
        for weight in network.parameters():
            weight.zero_()
        again = frozen.forward_attack(frozen.to_attack_layout(encoded.float())).head
    tolerance = 3e-2 if precision == "bf16" and kind == "impala" else 1e-5
    torch.testing.assert_close(got, expected, atol=tolerance * float(expected.abs().max()), rtol=0)
    assert torch.equal(again, got)


def test_half_precision_is_of_the_body_of_a_picture_policy_alone() -> None:
    policy = parent("impala")
    network = child_of(policy)
    exact, _ = network(network.encode(observations(policy)))
    network.precision = "bf16"
    rounded, value = network(network.encode(observations(policy)))
    assert (rounded.dtype, value.dtype) == (torch.float32, torch.float32)
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, atol=0.02 * float(exact.detach().abs().max()), rtol=0)


def test_bytes_are_stored_as_bytes_and_nothing_changes_with_the_environment() -> None:
    network = child_of(parent("impala"))
    pixels = torch.ones(1, 4, 84, 84, dtype=torch.uint8)
    stored = network.encode(pixels)
    pixels.zero_()
    assert stored.dtype == torch.uint8
    assert bool(stored.all())
    assert network.encode(torch.zeros(2, 4, dtype=torch.float64)).dtype == torch.float32


def test_an_operator_that_jumps_is_refused_by_its_name() -> None:
    with pytest.raises(UnsupportedArchitecture, match=r"none comes through its Greater\. Export it with smooth"):
        child_of(parent("jumping"))


def test_a_policy_without_weights_is_refused() -> None:
    build = GraphBuilder((4,))
    logits = build.live("Slice", build.observation, starts=(0,), ends=(2,), axes=(1,), steps=(1,))
    with pytest.raises(UnsupportedArchitecture, match=r"has layers with weights .* this one has none"):
        child_of(by_hand(build.finish(logits=logits)))


def test_a_gradient_that_is_infinite_is_refused() -> None:
    build = GraphBuilder((4,))
    nothing = build.live("Mul", dense(build, build.observation, 8), Known.of(torch.tensor(0.0)))
    graph = build.finish(logits=dense(build, build.live("Sqrt", build.live("Abs", nothing)), 2))
    with pytest.raises(UnsupportedArchitecture, match=r"must be finite.*square roots and logarithms of 0"):
        child_of(by_hand(graph))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"head": "action"}, "gives the action itself. Export 'mean' and 'log_std'"),
        ({"states": [{"shape": (8,)}, {"shape": (8,)}]}, "carries 2 states from step to step. Evaluate it as it is"),
    ],
)
def test_what_ppo_cannot_train_is_refused_by_the_card(change: dict[str, object], said: str) -> None:
    policy = parent("perceptron")
    card = PolicyCard.model_validate(policy.card.model_dump() | change)
    with pytest.raises(UnsupportedArchitecture, match=said):
        child_of(replace(policy, card=card))
