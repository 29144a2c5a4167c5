"""A canonical policy that can only be asked: its outputs from onnxruntime, without gradients."""

from collections.abc import Sequence

import torch
from torch import Tensor

from saddlepoint.policies.agreement import canonical_step
from saddlepoint.policies.network import Outputs, PolicyNetwork


class BlackBox:
    """Answers what `network` answers, computed by onnxruntime from the canonical ONNX `model` on one thread.

    In the layouts of `network`, so that one may stand for the other; outputs lie where the observations do. Raises
    BackendDisagreement where onnxruntime cannot load the model.
    """

    dtype = torch.float32

    def __init__(self, network: PolicyNetwork, model: bytes) -> None:
        self._network, self._step = network, canonical_step(network, model)

    @property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self._network.state_shapes

    def to_attack_layout(self, observation: Tensor, /) -> Tensor:
        return self._network.to_attack_layout(observation)

    def from_attack_layout(self, arranged: Tensor, /) -> Tensor:
        return self._network.from_attack_layout(arranged)

    def forward_attack(self, arranged: Tensor, states: Sequence[Tensor] = (), *, with_value: bool = False) -> Outputs:
        """The head and the states at observations in the attack layout; it has no value, and no gradient."""
        if with_value:
            raise ValueError("a black box is asked for its head alone")
        rows = self.from_attack_layout(arranged).detach().cpu().numpy()
        head, following = self._step(rows, [state.cpu().numpy() for state in states])
        answers = [torch.from_numpy(answer).to(arranged.device) for answer in (head, *following)]
        return Outputs(answers[0], None, tuple(answers[1:]))

    def critic(self, arranged: Tensor, states: Sequence[Tensor] = (), /) -> None:
        """Nothing: it is asked for its head alone."""
