"""The leaderboard as a page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from saddlepoint.schemas.leaderboard import Board, Standing
from service.wire import evaluation_path

_MOST_ATTACKS = 8
"""Named in a line."""


@dataclass(frozen=True)
class Row:
    """An evaluation at its place."""

    place: int
    standing: Standing

    @property
    def title(self) -> str:
        """The policy's name, else the beginning of its id."""
        return self.standing.name or f"Policy {self.standing.policy_id[:8]}"

    @property
    def report(self) -> str:
        """Where its report is."""
        return f"{evaluation_path(self.standing.evaluation_id)}/report?format=html"


@dataclass(frozen=True)
class BoardView:
    """A page of a board."""

    board: Board
    rows: Sequence[Row]
    protocol: str
    """What all its evaluations share, in one line."""

    @property
    def last(self) -> int:
        """The place of the last row."""
        return self.board.first + len(self.rows) - 1


def board_view(board: Board) -> BoardView:
    """What is shown of a page of a board."""
    rows = [Row(board.first + index, standing) for index, standing in enumerate(board.items)]
    return BoardView(board, rows, protocol_of(board))


def protocol_of(board: Board) -> str:
    """Attacks, episodes, precision and, where they are not the usual ones, the length of an episode and the units."""
    setting, attacks = board.setting, list(board.setting["attacks"])
    more = f" and {len(attacks) - _MOST_ATTACKS} more" if len(attacks) > _MOST_ATTACKS else ""
    seeds = setting["seeds"] if isinstance(setting["seeds"], str) else f"{len(setting['seeds'])} seeds"
    said = [
        f"{', '.join(attacks[:_MOST_ATTACKS])}{more}",
        f"{seeds.replace('numbers', 'seeds')} of {setting['episodes_per_seed']} episodes",
        setting["precision"],
    ]
    if setting["max_episode_steps"]:
        said.append(f"at most {setting['max_episode_steps']:,} steps an episode")
    if setting["epsilon_scale"]:
        said.append("epsilon scaled entry by entry")
    return "; ".join(said)
