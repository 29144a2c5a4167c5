"""The standard deviations of Gaussian policies: however a file keeps them, `log_std` (N, D) beside `mean`."""

import torch
from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch
from saddlepoint.policies.builder import GraphBuilder, Known, Live

GSDE_EPSILON = 1e-6
"""Added to the variance by StateDependentNoiseDistribution (stable_baselines3/common/distributions.py)."""


def fixed_log_std(build: GraphBuilder, mean: Live, log_std: Tensor) -> Live:
    """`log_std` (D,) or (1, D) beside every `mean` (N, D)."""
    count = mean.shapes[0][1]
    if log_std.numel() != count or log_std.shape[-1:] != (count,):
        raise ArchitectureMismatch(
            f"A standard deviation belongs to each of the {count} numbers of an action; the weights hold an array of "
            f"shape {list(log_std.shape)} of them. Save the policy again."
        )
    nothing = build.live("Mul", mean, _number(0.0))
    return build.live("Add", nothing, Known.of(log_std.reshape(1, count)))


def squeezed_log_std(build: GraphBuilder, raw: Live, low: float, high: float) -> Live:
    """As SpinUp bounds it, and CleanRL's SAC after it: `low` + (`high` - `low`) (tanh(raw) + 1) / 2."""
    half = (high - low) / 2
    scaled = build.live("Mul", build.live("Tanh", raw), _number(half))
    return build.live("Add", scaled, _number(low + half))


def gsde_log_std(build: GraphBuilder, latent: Live, parameter: Tensor, count: int, *, use_expln: bool) -> Live:
    """The deviation of generalised state-dependent exploration (Raffin et al. 2021, Eq. 8): sqrt(z^2 sigma^2 + eps).

    `latent` z is (N, L); `parameter`, of which sigma is made, (L, D), or (L, 1) for all numbers of the action.
    """
    size = latent.shapes[0][1]
    if parameter.ndim != 2 or parameter.shape[0] != size or parameter.shape[1] not in (1, count):
        raise ArchitectureMismatch(
            f"The exploration matrix of gSDE has the shape {[size, count]} or {[size, 1]}; this one has "
            f"{list(parameter.shape)}. Save the policy again."
        )
    sigma = _expln(parameter) if use_expln else parameter.exp()
    weight = sigma.expand(size, count).square().T.contiguous()
    squared = build.live("Mul", latent, latent)
    variance = build.live("Gemm", squared, Known.of(weight), Known.of(torch.full((count,), GSDE_EPSILON)))
    return build.live("Mul", build.live("Log", variance), _number(0.5))


def _expln(parameter: Tensor) -> Tensor:
    """exp below zero, and 1 + log(1 + x) above, which grows slower."""
    above = (parameter.clamp(min=0) + GSDE_EPSILON).log1p() + 1
    return torch.where(parameter <= 0, parameter.exp(), above)


def check_pair(mean: Live, log_std: Live) -> None:
    """Raise ArchitectureMismatch unless there is one standard deviation for each number of the mean."""
    if mean.shapes != log_std.shapes:
        raise ArchitectureMismatch(
            f"The mean of a Gaussian policy and its standard deviation have one number each for every number of an "
            f"action; the weights give {mean.shapes[0][1]} and {log_std.shapes[0][1]}. Save the policy again."
        )


def _number(value: float) -> Known:
    return Known.of(torch.tensor(value))
