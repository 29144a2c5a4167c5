"""Boards full of evaluations, made by hand and without the cost of making each of them last."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from saddlepoint.schemas import keys
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.leaderboard import BoardRecord, CleanReturn, Standing, board_of, rank_of
from saddlepoint.schemas.reports import WorstCase
from saddlepoint.store.format import trailer

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def board(env: str = "BoxingNoFrameskip-v4", epsilon: float = 4.0) -> BoardRecord:
    attacks = {"none": {}, f"ce@{epsilon:g}": {"epsilon": epsilon}}
    return board_of(
        {
            "env": {"id": env},
            "seeds": [0, 1, 2],
            "episodes_per_seed": 5,
            "precision": "bf16",
            "max_episode_steps": None,
            "epsilon_scale": None,
            "attacks": attacks,
        }
    )


def standing(number: int, lower: float | None, name: str | None = None) -> Standing:
    """Of evaluation `e<number>`, whose worst case is 2 above its lower bound."""
    interval = None if lower is None else (lower, lower + 4.0)
    worst = WorstCase(
        attack="ce",
        label="ce",
        epsilon=4.0,
        mean=(lower or 0.0) + 2.0,
        ci95=interval,
        normalized=((lower or 0.0) + 2.0) / 100,
        selection="held_out",
    )
    return Standing(
        evaluation_id=f"e{number}",
        policy_id=f"{number:032x}",
        name=name,
        method="atpa" if number % 2 else None,
        created_at=NOON,
        episodes=15,
        clean=CleanReturn(mean=90.0, ci95=(88.0, 92.0)),
        worst=worst,
    )


def fill(root: Path, record: BoardRecord, standings: Iterable[Standing], owner: str = "default") -> None:
    """Put them into the local store at `root`."""
    _write(root / keys.board(owner, record.id), record)
    for each in standings:
        _write(root / keys.standing(owner, record.id, rank_of(each.lower_bound), each.evaluation_id), each)


def _write(path: Path, record: Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = record.model_dump_json().encode()
    path.write_bytes(data + trailer(data))
