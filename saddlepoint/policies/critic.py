"""What a policy's file says that actions are worth: the part of its graph that is no policy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from saddlepoint.policies.graph import TAKEN_ACTION, Graph, Node, live_part
from saddlepoint.policies.operators import compute
from saddlepoint.schemas.policies import CRITIC_OUTPUTS, HEAD_OUTPUTS


def critic_outputs(graph: Graph) -> dict[str, str]:
    """Those that are no part of the head; none where the values of actions are the head itself."""
    own = HEAD_OUTPUTS[graph.head]
    return {name: source for name, source in graph.outputs.items() if name in CRITIC_OUTPUTS and name not in own}


def critic_part(graph: Graph) -> Graph | None:
    """What computes the values of actions; None where nothing does beside the head."""
    outputs = critic_outputs(graph)
    return live_part(replace(graph, outputs=outputs)) if outputs else None


def without_critic(graph: Graph) -> Graph:
    """The policy alone, and its `value`."""
    dropped = critic_outputs(graph)
    kept = {name: source for name, source in graph.outputs.items() if name not in dropped}
    return live_part(replace(graph, outputs=kept)) if dropped else graph


@dataclass(frozen=True)
class SettledCritic:
    """A critic at N observations, computed as far as it can be without an action."""

    outputs: Mapping[str, str]
    known: Mapping[str, Tensor]
    """Constants, the observations, and all that follows from those."""
    pending: tuple[Node, ...]
    """What follows from the action as well."""

    @property
    def values(self) -> Tensor:
        """(N, A): Q(s, a) of each action of a choice, without a gradient."""
        return self.known[self.outputs["q_values"]]

    def value_of(self, action: Tensor) -> Tensor:
        """(N,): Q(s, a) of actions (N, D) in -1..1, differentiable in them."""
        values = {**self.known, TAKEN_ACTION: action}
        for node in self.pending:
            values[node.output] = compute(node.op, [values[name] for name in node.inputs], node.attributes)
        return values[self.outputs["action_value"]]


@torch.no_grad()
def settled(graph: Graph, given: Mapping[str, Tensor]) -> SettledCritic:
    """The critic `graph` at what is `given`: its constants, observations and states, by name."""
    known, pending, unknown = dict(given), [], {TAKEN_ACTION}
    for node in graph.nodes:
        if unknown.isdisjoint(node.inputs):
            known[node.output] = compute(node.op, [known[name] for name in node.inputs], node.attributes)
        else:
            unknown.add(node.output)
            pending.append(node)
    return SettledCritic(graph.outputs, known, tuple(pending))
