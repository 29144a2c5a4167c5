"""What is measured under load, against what it should be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A number, and the least or the most that it should be; None where it is only told."""

    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def is_missed(self) -> bool:
        too_small = self.least is not None and self.value < self.least
        return too_small or (self.most is not None and self.value > self.most)


def table(figures: list[Figure]) -> str:
    """Plain text, one line a figure."""
    return "\n".join(
        f"{figure.name:<44}{figure.value:>12,.1f} {figure.unit:<10}{_goal(figure):>12}"
        f"{'  MISSED' if figure.is_missed else ''}"
        for figure in figures
    )


def _goal(figure: Figure) -> str:
    if figure.least is not None:
        return f">= {figure.least:,g}"
    return "" if figure.most is None else f"<= {figure.most:,g}"
