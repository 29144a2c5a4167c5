"""How thorough an evaluation is, by one word."""

from typing import Literal

Tier = Literal["smoke", "quick", "standard", "paper"]
TIERS: dict[Tier, tuple[int, int]] = {
    "smoke": (2, 1),
    "quick": (10, 3),
    "standard": (30, 5),
    "paper": (10, 50),
}
"""Seeds and episodes per seed. `paper` is one of the five models of the ATPA paper's Table 1."""
