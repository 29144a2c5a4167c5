"""The weights as they are published: own key names, the layouts that everybody uses, fp16 for the Nature CNN.

The Nature CNN has conv1, conv2, conv3, hidden, policy and value, with the plain (32, 4, 8, 8) kernel
first; the tanh networks have policy.hidden1, policy.hidden2, policy.output and the same under value. A Gaussian has
log_std beside them. Of any other network, which is a graph, these are the trained tensors alone.
"""

from collections.abc import Mapping

import torch
from safetensors.torch import save
from torch import Tensor

from trainer.network import PIXEL_MAXIMUM, ActorCritic, NatureNetwork
from trainer.space_to_depth import kernel_from_depth, kernel_to_depth

_KERNEL, _BIAS, _CENTER, _HIDDEN = "conv1.weight", "conv1.bias", "conv1.center", "hidden.weight"


def to_published(network: ActorCritic) -> bytes:
    """The network as safetensors: fp16 for the Nature CNN, whose pixels are no finer, and fp32 for vectors."""
    tensors = to_plain(network)
    if isinstance(network, NatureNetwork):
        tensors = {name: value.half() for name, value in tensors.items()}
    return save({name: value.contiguous() for name, value in tensors.items()})


def to_plain(network: ActorCritic) -> dict[str, Tensor]:
    """The weights under the names and in the layouts of publication, float32 on the CPU."""
    tensors = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    if isinstance(network, NatureNetwork):
        center = tensors.pop(_CENTER) / PIXEL_MAXIMUM
        tensors[_BIAS] = tensors[_BIAS] - center * tensors[_KERNEL].sum((1, 2, 3))
        tensors[_KERNEL] = kernel_from_depth(tensors[_KERNEL])
        tensors[_HIDDEN] = tensors[_HIDDEN].flatten(1)
    return tensors


def from_plain(network: ActorCritic, tensors: Mapping[str, Tensor]) -> None:
    """Take weights of publication, in any precision; pixels are not centred then."""
    if isinstance(network, NatureNetwork):
        hidden = tensors[_HIDDEN].reshape(network.hidden.weight.shape)
        tensors = {**tensors, _KERNEL: kernel_to_depth(tensors[_KERNEL]), _CENTER: torch.zeros(()), _HIDDEN: hidden}
    network.load_state_dict({name: value.float() for name, value in tensors.items()})
