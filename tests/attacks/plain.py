"""Every attack once more, as a textbook would write it: autograd on the loss in the books."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

Policy = Callable[[Tensor], Tensor]
"""(N, *obs) -> (N, A) logits."""


def loss(kind: str, perturbed: Tensor, clean: Tensor, values: Tensor | None = None) -> Tensor:
    """(N,); `values` (N, A) are Q(s, .), the clean logits unless given."""
    p, q = Categorical(logits=clean), Categorical(logits=perturbed)
    rows = torch.arange(len(clean))
    top, bottom = clean.argmax(1), clean.argmin(1)
    if kind == "ce":
        return -(q.probs * p.logits).sum(1)
    if kind == "max":
        return -q.logits[rows, top]
    if kind == "min":
        return q.logits[rows, bottom]
    if kind == "kl":
        return kl_divergence(p, q)
    if kind == "value":
        return -(q.probs * (clean if values is None else values)).sum(1)
    others = perturbed.clone()
    others[rows, top] = -torch.inf
    return others.max(1).values - perturbed[rows, top]


def gradient(policy: Policy, kind: str, x: Tensor, clean: Tensor, values: Tensor | None = None) -> Tensor:
    return slope(lambda rows: loss(kind, policy(rows), clean, values), x)


def slope(height: Policy, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_(True)
    height(x).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    return x.grad


def value_pgd(
    actor: Policy, critic: Callable[[Tensor, Tensor], Tensor], s: Tensor, start: Tensor, epsilon: float, steps: int
) -> Tensor:
    """-Q(s, actor(x)) raised in steps of epsilon / 2; `actor` gives the action that the critic takes."""
    x = start.clone()
    for _ in range(steps):
        g = slope(lambda rows: -critic(s, actor(rows)), x)
        x = s + (x - s + epsilon / 2 * g.sign()).clamp(-epsilon, epsilon)
    return x.detach()


def pgd(
    policy: Policy,
    kind: str,
    s: Tensor,
    start: Tensor,
    *,
    epsilon: float,
    step: float,
    steps: int,
    norm: str = "linf",
    values: Tensor | None = None,
    high: float | None = 255.0,
) -> Tensor:
    clean, x = policy(s).detach(), start.clone()
    for _ in range(steps):
        g = gradient(policy, kind, x, clean, values)
        delta = x - s
        if norm == "linf":
            delta = (delta + step * g.sign()).clamp(-epsilon, epsilon)
        else:
            for row in range(len(s)):
                delta[row] += step * g[row] / g[row].norm()
                length = delta[row].norm()
                if length > epsilon:
                    delta[row] *= epsilon / length
        x = s + delta if high is None else (s + delta).clamp(0, high)
    return x.detach()
