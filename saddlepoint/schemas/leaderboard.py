"""The leaderboard: policies that were evaluated alike, by how good the worst case is that was found for each."""

import re
import struct
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saddlepoint.schemas.base import Schema, Timestamp, digest
from saddlepoint.schemas.reports import Interval, RobustnessReport, WorstCase

_ODD = re.compile(r"[^A-Za-z0-9._-]")
_ENV_LENGTH = 100
_MAX_ENTRIES = 64
"""Of a list of a setting that is told in full."""
_SIGN, _ALL = 1 << 63, (1 << 64) - 1
LAST = "g"
"""The rank of what has no lower bound: after every number."""


class CleanReturn(Schema):
    """Without attack."""

    mean: float
    ci95: Interval | None


class Standing(Schema):
    """One evaluation on a board; compact, and stored once when it succeeds."""

    evaluation_id: str
    policy_id: str
    name: str | None = None
    """Of the policy."""
    method: str | None = None
    """That the policy was trained with, where that was here."""
    created_at: Timestamp
    """Of the report."""
    episodes: int
    """Of each cell."""
    clean: CleanReturn | None
    """None where `none` was not played."""
    worst: WorstCase | None
    """None where nothing was attacked."""

    @property
    def lower_bound(self) -> float | None:
        """What boards are ordered by: where the worst case's interval begins. None where there is none."""
        return self.worst.ci95[0] if self.worst and self.worst.ci95 else None


class BoardRecord(Schema):
    """What all evaluations of a board share: board.json."""

    id: str
    env: str
    setting: dict[str, Any]
    """All that the numbers follow from beside the policy, as comparisons have it; long lists by their length."""


class Board(BoardRecord):
    """The wire form."""

    size: int
    """Evaluations in all."""
    first: int
    """The place of the first of `items`; 1 is the best."""
    items: list[Standing]
    next_cursor: str | None = None
    links: dict[str, str] = Field(default_factory=dict)


class LeaderboardPage(Schema):
    """Boards with their best, by environment."""

    items: list[Board]
    next_cursor: str | None = None


def standing_of(report: RobustnessReport) -> Standing:
    """The standing of a report."""
    clean = next((cell for cell in report.cells if cell.attack == "none"), None)
    return Standing(
        evaluation_id=report.id,
        policy_id=str(report.policy.get("id", "")),
        name=report.policy.get("name"),
        method=(report.policy.get("lineage") or {}).get("method"),
        created_at=report.created_at,
        episodes=report.cells[0].episodes if report.cells else 0,
        clean=CleanReturn(mean=clean.mean, ci95=clean.ci95) if clean else None,
        worst=report.worst_case,
    )


def board_of(setting: Mapping[str, Any]) -> BoardRecord:
    """The board of evaluations with this `setting_of`."""
    env = str(setting["env"]["id"])
    return BoardRecord(
        id=f"{env_prefix(env)}{digest('board', dict(setting))}",
        env=env,
        setting={name: _short(value) for name, value in setting.items()},
    )


def env_prefix(env: str) -> str:
    """What the ids of all boards of an environment begin with; those of another may, too."""
    return f"b.{_ODD.sub('=', env)[:_ENV_LENGTH]}."


def _short(value: Any) -> Any:
    return f"{len(value):,} numbers" if isinstance(value, list) and len(value) > _MAX_ENTRIES else value


def rank_of(lower_bound: float | None) -> str:
    """A text that sorts before those of all smaller numbers; equal numbers have equal texts.

    The bits of a double sort as it does once the sign is turned, and those of a negative one all are; inverted, the
    largest comes first.
    """
    if lower_bound is None:
        return LAST
    (bits,) = struct.unpack(">Q", struct.pack(">d", lower_bound + 0.0))
    ascending = _ALL - bits if bits & _SIGN else bits | _SIGN
    return f"{_ALL - ascending:016x}"
