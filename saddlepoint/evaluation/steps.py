"""How many steps were taken, by agents and by their attackers."""

from collections import Counter
from dataclasses import dataclass, field

from saddlepoint.schemas.attacks import AttackKind


@dataclass(frozen=True)
class StepsTaken:
    """Of a shard, so far."""

    agent: int = 0
    attack: Counter[AttackKind] = field(default_factory=Counter)
    """On single observations: gradients, or queries of a search. Checks of an attack's strength are left out."""

    def __add__(self, other: "StepsTaken") -> "StepsTaken":
        return StepsTaken(self.agent + other.agent, self.attack + other.attack)

    def since(self, before: "StepsTaken") -> "StepsTaken":
        """What came after `before`."""
        return StepsTaken(self.agent - before.agent, self.attack - before.attack)
