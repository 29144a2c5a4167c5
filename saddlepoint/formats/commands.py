"""The commands that make a report again."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

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
_OPEN = AttackSpec(kind="none").model_dump(mode="json", exclude={"kind"})
"""What an entry of `attacks` says where it leaves everything open."""
_DEFAULTS = {
    "require_clean_score": False,
    "when": {"kind": "always"},
    "attacks": [{"kind": attack.kind} for attack in DEFAULT_ATTACKS],
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


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _without_defaults(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in defaults or value != defaults[key]}


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
