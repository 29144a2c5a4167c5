"""The robustness report: what an evaluation found, as numbers."""

from collections import Counter
from typing import Any, Literal

from pydantic import Field

from saddlepoint.schemas.base import Schema, Timestamp

Interval = tuple[float, float]
STORED_FORMS = ("json", "html", "parquet")
"""Forms of a report that workers make and store, by extension; whoever has the JSON renders the others."""

LANDSCAPE_BEGINS, LANDSCAPE_ENDS = "<!--landscape-->", "<!--/landscape-->"
"""What a page has around its words on landscapes: one is usually made later, and its section takes their place."""


class AttackHealth(Schema):
    """Whether the attack worked as an attack; shares of attacked steps."""

    zero_gradient: float
    """Steps at which a PGD step met a gradient that was zero everywhere."""
    loss_rises: float
    """Steps at which the final loss exceeds that of the clean observation."""
    mean_loss: float
    """Of the attack's own loss (of `random` the cross entropy) at the perturbed observation, nats."""
    mean_best_loss: float = 0.0
    """Of the highest loss among the iterates; PGD keeps the last one."""
    probed_steps: int = 0
    """States that were attacked otherwise as well; what follows is of them."""
    gain_of_longer: float | None = None
    """What twice the steps would add to the mean rise of the loss, as a share of it; None where it does not rise."""
    gain_of_restart: float | None = None
    """Likewise for one more start."""
    noise_wins: float | None = None
    """Share at which uniform noise of the same size had a higher loss."""
    flips_by_huge: float | None = None
    """Share of greedy actions that many times epsilon changes: nearly 1, unless gradients are masked. None where
    actions are numbers."""
    flags: list[str] = Field(default_factory=list)
    working: bool = True
    """False where the gradient was zero or the loss did not rise too often, or gradients look masked: what such an
    attack leaves of a return is no evidence for the policy. A flag says which."""


class Cell(Schema):
    """One attack at one epsilon. Lists are ordered by (seed, episode); KL in nats, clean || perturbed."""

    attack: str
    label: str
    epsilon: float
    steps: int
    step_size: float
    action_mode: Literal["sample", "greedy"]
    episodes: int
    seeds: list[int]
    returns: list[float]
    lengths: list[int]
    mean: float
    std: float | None
    """ddof 1; None for a single episode."""
    ci95: Interval | None
    ci95_method: str
    median: float
    iqm: float
    cvar10: float
    """Mean of the ceil(0.1 n) worst episodes."""
    worst_seed: int
    worst_seed_mean: float
    normalized: float | None = None
    """(mean - random policy) / (clean - random policy); None where clean does not beat the random policy."""
    normalized_ci95: Interval | None = None
    difference_to_clean: float | None = None
    """Mean of the paired differences to the unattacked episodes, same action mode."""
    difference_ci95: Interval | None = None
    flip_rate: float | None = None
    """Share of attacked steps at which the greedy action changed."""
    mean_kl: float | None = None
    mean_tv: float | None = None
    clean_states: int = 0
    """States of unattacked episodes that were attacked too, the same ones under every attack."""
    clean_states_flip_rate: float | None = None
    clean_states_kl: float | None = None
    mean_action_shift: float | None = None
    """Of actions of numbers: root mean square distance of the greedy action from the clean one, in their units."""
    max_linf: float = 0.0
    """Largest perturbation really given to the policy, in units of epsilon (the observation's, times epsilon_scale)."""
    attacked_share: float = 0.0
    truncated: int = 0
    distinct_trajectories: int
    health: AttackHealth | None = None
    warnings: list[str] = Field(default_factory=list)

    @property
    def title(self) -> str:
        """`ce@4`: the label and the epsilon it is at."""
        return self.label if self.attack == "none" else f"{self.label}@{self.epsilon:g}"


class RandomPolicyReference(Schema):
    """Uniformly random actions in the same environment: the zero of `normalized`."""

    mean: float
    episodes: int
    returns: list[float]


class Reference(Schema):
    random_policy: RandomPolicyReference


class WorstCase(Schema):
    """The worst cell found, chosen on one half of the seeds and reported on the other, both ways round.

    An upper bound on the true worst case: a stronger attacker can only do worse.
    """

    attack: str
    label: str
    epsilon: float
    mean: float
    ci95: Interval | None
    normalized: float | None = None
    normalized_ci95: Interval | None = None
    difference_to_clean: float | None = None
    """Mean of the paired differences to the unattacked episodes."""
    difference_ci95: Interval | None = None
    selection: Literal["held_out", "in_sample"]
    """`in_sample` where there is one seed only, so that nothing could be held out."""
    chosen: list[str] = Field(default_factory=list)
    """What the halves of the seeds chose; two names where they disagree. `attack` is the lowest over all seeds."""


class PrecisionCheck(Schema):
    """Attacks with gradients of lower precision beside the same attacks in fp32, on the same states."""

    steps: int
    """Attacked steps at which both were taken."""
    mean_loss: float
    mean_loss_fp32: float
    flip_rate: float
    flip_rate_fp32: float
    within_tolerance: bool
    """The loss is at most 1% and the flip share at most one point (and one flip) below fp32's."""


class RobustnessReport(Schema):
    """What `GET /v1/evaluations/{id}/report` answers."""

    id: str
    created_at: Timestamp
    policy: dict[str, Any]
    env: dict[str, Any]
    spec: dict[str, Any]
    cells: list[Cell]
    greedy_cells: list[Cell] = Field(default_factory=list)
    """The `ce` cells again with greedy actions: a policy can owe its score to its randomness."""
    reference: Reference
    worst_case: WorstCase | None
    worst_by_epsilon: list[WorstCase] = Field(default_factory=list)
    """For each epsilon, among the cells up to it and the unattacked ones."""
    epsilon_half_score: float | None = None
    """Where the lowest normalised score up to an epsilon falls to a half, interpolated; None where it never does."""
    precision_check: PrecisionCheck | None = None
    """None where all gradients were fp32."""
    verdict: str
    """One sentence for a reader in a hurry."""
    warnings: list[str] = Field(default_factory=list)
    environment_steps: int
    wall_time_s: float
    versions: dict[str, str]
    protocol: dict[str, Any]
    statistics: dict[str, Any]
    """Confidence level, resamples, bootstrap seed, and what the intervals mean."""

    def cell(self, label: str, epsilon: float | None = None) -> Cell:
        """The cell of an attack by label, else by kind; epsilon may be left out where there is one only."""
        at_epsilon = [cell for cell in self.cells if epsilon in (None, cell.epsilon)]
        for cell in sorted(at_epsilon, key=lambda cell: cell.label != label):
            if label in (cell.label, cell.attack):
                return cell
        raise KeyError(f"no cell {label!r} at epsilon {epsilon}; there are {self._names()}")

    def _names(self) -> list[str]:
        return [cell.title for cell in self.cells]

    def episode_rows(self) -> list[dict[str, Any]]:
        """One row an episode of every cell, the greedy ones last: plain values, for tables and files."""
        return [row for cell in (*self.cells, *self.greedy_cells) for row in _rows(cell)]


EPISODE_COLUMNS = ("attack", "label", "epsilon", "action_mode", "seed", "episode", "return", "length")
"""Of `episode_rows`, in order."""


def _rows(cell: Cell) -> list[dict[str, Any]]:
    shared = {"attack": cell.attack, "label": cell.label, "epsilon": cell.epsilon, "action_mode": cell.action_mode}
    played: Counter[int] = Counter()
    rows = []
    for seed, episode_return, length in zip(cell.seeds, cell.returns, cell.lengths, strict=True):
        rows.append({**shared, "seed": seed, "episode": played[seed], "return": episode_return, "length": length})
        played[seed] += 1
    return rows


_IDENTITY = {"id", "created_at", "wall_time_s"}
_POLICY_IDENTITY = {"id", "created_at"}


def comparable(report: RobustnessReport) -> dict[str, Any]:
    """The report without wall time, timestamps and ids: equal for equal specifications on one machine."""
    numbers = report.model_dump(mode="json", exclude=_IDENTITY)
    numbers["policy"] = {key: value for key, value in numbers["policy"].items() if key not in _POLICY_IDENTITY}
    numbers["spec"] = {key: value for key, value in numbers["spec"].items() if key != "policy_id"}
    return numbers
