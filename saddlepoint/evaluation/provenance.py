"""What a reader needs to know of where a report comes from: the policy and the episodes, in words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from saddlepoint.formats.numbers import NOTHING
from saddlepoint.schemas.environments import atari_game
from saddlepoint.schemas.reports import RobustnessReport

MAX_LISTED = 60
"""Items of a list that are written out; report.json has them all."""
_DESCRIBED = frozenset(
    {
        "id",
        "name",
        "format",
        "architecture",
        "parameters",
        "observation",
        "outputs",
        "actions",
        "sha256",
        "size",
        "head",
    }
    | {"canonical_sha256", "max_disagreement", "contents", "guesses", "hints", "created_at"}
    | {"observation_space", "action_space"}
)


class Fact(NamedTuple):
    name: str
    value: str
    code: bool = False


def policy_facts(policy: Mapping[str, Any]) -> list[Fact]:
    """The card's fields in a reader's order, then whatever else it holds."""
    facts = [
        Fact("id", policy.get("id", ""), code=True),
        Fact("file", _joined(policy.get("format"), _size(policy.get("size")))),
        Fact("sha256 of the file", policy.get("sha256", ""), code=True),
        Fact("sha256 as evaluated", policy.get("canonical_sha256", ""), code=True),
        Fact("architecture", _joined(policy.get("architecture"), _count(policy.get("parameters"), "parameters"))),
        Fact("observation", _tensor(policy.get("observation"))),
        Fact("outputs", _joined(*(_tensor(output) for output in policy.get("outputs") or ()))),
        Fact("actions", _count(policy.get("actions"), "")),
        Fact("torch against onnxruntime", _agreement(policy.get("max_disagreement"))),
    ]
    others = [
        Fact(key.replace("_", " "), text_of(value))
        for key, value in policy.items()
        if key not in _DESCRIBED and value not in (False, "none")
    ]
    return [fact for fact in [*facts, *others] if fact.value not in ("", NOTHING)]


def environment(env: Mapping[str, Any]) -> dict[str, Any]:
    """Its fields, without the options of frames where there are none."""
    if atari_game(str(env.get("id", ""))) is not None:
        return dict(env)
    return {key: value for key, value in env.items() if key == "id" or (key == "kwargs" and value)}


def episodes(report: RobustnessReport) -> dict[str, Any]:
    """Which episodes were played, in every cell."""
    seeds = report.spec.get("seeds") or sorted({seed for cell in report.cells for seed in cell.seeds})
    consecutive = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return {
        "seeds": f"{seeds[0]} to {seeds[-1]}" if consecutive else seeds,
        "episodes per seed": report.spec.get("episodes_per_seed"),
        "actions": report.cells[0].action_mode if report.cells else None,
    }


def text_of(value: Any) -> str:
    """Any JSON value in one line; a long list is cut, and says so."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == {}:
        return NOTHING
    if isinstance(value, Mapping) and all(isinstance(item, int | float | str) for item in value.values()):
        return ", ".join(f"{key}: {text_of(item)}" for key, item in value.items())
    if isinstance(value, list | tuple) and all(isinstance(item, int | float | str) for item in value):
        more = f" and {len(value) - MAX_LISTED:,} more" if len(value) > MAX_LISTED else ""
        return ", ".join(str(item) for item in value[:MAX_LISTED]) + more
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _count(value: Any, noun: str) -> str:
    return f"{value:,} {noun}".strip() if isinstance(value, int) else ""


def _size(value: Any) -> str:
    if not isinstance(value, int):
        return ""
    return f"{value / 2**20:.1f} MiB" if value >= 2**20 else f"{value / 2**10:.1f} KiB"


def _tensor(description: Any) -> str:
    if not isinstance(description, Mapping):
        return ""
    shape: Sequence[int] = description.get("shape", ())
    return " ".join(filter(None, (description.get("name"), " × ".join(map(str, shape)), description.get("dtype"))))


def _agreement(value: Any) -> str:
    return f"outputs differ by at most {value:.1e}" if isinstance(value, float) else ""
