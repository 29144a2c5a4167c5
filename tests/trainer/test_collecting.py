"""The network that collects answers as the one that learns."""

import pytest
import torch

from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
from trainer.network import initialize, make_network


@pytest.mark.parametrize("numbers", [False, True], ids=["choice", "numbers"])
@pytest.mark.parametrize("center", [0, 144])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_gives_the_head_and_the_value_of_the_network(precision: str, center: int, numbers: bool) -> None:
    network = make_network(describe_atari(EnvironmentSpec(id="BoxingNoFrameskip-v4")))
    network.precision = precision  # type: ignore[assignment]
    initialize(network, torch.Generator().manual_seed(0), 1.0)
    if numbers:
        network.log_std = torch.nn.Parameter(torch.linspace(-1, 1, 18))
    pixels = torch.randint(0, 256, (5, 4, 84, 84), generator=torch.Generator().manual_seed(1)).byte()
    network.center_on(torch.full_like(pixels, center), as_before=False)
    encoded = network.encode(pixels)
    with torch.no_grad():
        expected, collecting = network(encoded), network.collecting()
        initialize(network, torch.Generator().manual_seed(2), 1.0)
        got = collecting(encoded)
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.shape == theirs.shape
        tolerance = (1e-5 if precision == "fp32" else 1e-2) * float(theirs.abs().max())
        assert torch.allclose(ours, theirs, rtol=0, atol=tolerance)
