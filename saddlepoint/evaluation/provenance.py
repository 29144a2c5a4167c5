"""What a reader needs to make a report again: the policy, the episodes and the request, in words."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from saddlepoint.evaluation.formatting import NOTHING
from saddlepoint.schemas.attacks import AttackSpec
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import DEFAULT_ATTACKS
from saddlepoint.schemas.policies import PolicyHints
from saddlepoint.schemas.reports import RobustnessReport

_OPTIONS = {
    "env": "--env",
    "epsilon": "--epsilon",
    "attacks": "--attacks",
    "epsilon_scale": "--epsilon-scale",
    "when": "--when",
    "seeds": "--seeds",
    "episodes_per_seed": "--episodes",
    "steps": "--steps",
    "step_size": "--step-size",
    "precision": "--precision",
    "action_mode": "--action-mode",
    "max_episode_steps": "--max-episode-steps",
}
"""Fields of a specification that `saddlepoint evaluate` has an option for."""
MAX_LISTED = 60
"""Items of a list that are written out; report.json has them all."""
_OPEN = AttackSpec(kind="none").model_dump(mode="json", exclude={"kind"})
"""What an entry of `attacks` says where it leaves everything open."""
_DEFAULTS = {
    "require_clean_score": False,
    "when": {"kind": "always"},
    "attacks": [{"kind": attack.kind} for attack in DEFAULT_ATTACKS],
}
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


def episodes(report: RobustnessReport) -> dict[str, Any]:
    """Which episodes were played, in every cell."""
    seeds = report.spec.get("seeds") or sorted({seed for cell in report.cells for seed in cell.seeds})
    consecutive = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return {
        "seeds": f"{seeds[0]} to {seeds[-1]}" if consecutive else seeds,
        "episodes per seed": report.spec.get("episodes_per_seed"),
        "actions": report.cells[0].action_mode if report.cells else None,
    }


def commands(report: RobustnessReport) -> list[str]:
    """What makes this evaluation again: the command line where it can say everything, and curl."""
    spec = minimal_spec(report.spec)
    hints = _without_defaults(report.policy.get("hints") or {}, PolicyHints().model_dump(mode="json"))
    written = [_command_line(spec, bool(hints)), shlex.join(_curl(spec, hints))]
    return [command for command in written if command]


def _curl(spec: Mapping[str, Any], hints: Mapping[str, Any]) -> list[str]:
    card = ["-F", f"card={_compact(hints)}"] if hints else []
    url = "http://127.0.0.1:8000/evaluate"
    return ["curl", "-F", "policy=@POLICY_FILE", "-F", f"spec={_compact(spec)}", *card, url]


def _command_line(spec: Mapping[str, Any], with_card: bool) -> str:
    """Empty where a field has no option."""
    words = ["saddlepoint", "evaluate", "POLICY_FILE"]
    for field, value in spec.items():
        plain = _words_of(value) if field == "attacks" else value
        if field not in _OPTIONS or (field == "seeds" and isinstance(value, list)):
            return ""
        text = [_compact(plain)] if isinstance(plain, Mapping) else plain if isinstance(plain, list) else [plain]
        words += [_OPTIONS[field], *map(str, text)]
    return shlex.join([*words, *(["--card", "CARD_FILE"] if with_card else [])])


def _words_of(attacks: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kind of an attack, or the whole of one that has options."""
    return [attack["kind"] if set(attack) == {"kind"} else _compact(attack) for attack in attacks]


def minimal_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The shortest specification that means the same: what is null is left out, ids stand for environments."""
    written = {key: value for key, value in spec.items() if value is not None and key != "policy_id"}
    written["attacks"] = [_without_nulls(_without_defaults(attack, _OPEN)) for attack in spec.get("attacks", ())]
    seeds = written.get("seeds")
    if isinstance(seeds, list) and seeds == list(range(len(seeds))):
        written["seeds"] = len(seeds)
    env = spec.get("env")
    if isinstance(env, Mapping) and dict(env) == EnvironmentSpec(id=env["id"]).resolved().model_dump(mode="json"):
        written["env"] = env["id"]
    return _without_defaults(written, _DEFAULTS)


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


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _without_defaults(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in defaults or value != defaults[key]}


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _count(value: Any, noun: str) -> str:
    return f"{value:,} {noun}".strip() if isinstance(value, int) else ""


def _size(value: Any) -> str:
    return f"{value / 2**20:.1f} MiB" if isinstance(value, int) else ""


def _tensor(description: Any) -> str:
    if not isinstance(description, Mapping):
        return ""
    shape: Sequence[int] = description.get("shape", ())
    return " ".join(filter(None, (description.get("name"), " × ".join(map(str, shape)), description.get("dtype"))))


def _agreement(value: Any) -> str:
    return f"outputs differ by at most {value:.1e}" if isinstance(value, float) else ""
