"""Specifications as a caller writes them, turned into plain JSON. The service validates; nothing is checked twice."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from pydantic import BaseModel

from clients.files import PolicyFile, find_policy
from clients.vecnormalize import read_vecnormalize
from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.policies import PolicyHints

_POLICY_ID = re.compile(r"^[0-9a-f]{32}$")

_STATISTICS = ("observation_mean", "observation_std", "observation_clip")

Card = PolicyHints | Mapping[str, Any] | str | Path
"""Hints, as a value or as a JSON file."""


class SpecFields(TypedDict, total=False):
    """The fields of an EvaluationSpec beside `env` and `policy_id`; one left out has the service's default."""

    seeds: int | Sequence[int]
    """n means 0..n-1."""
    episodes_per_seed: int
    tier: str
    attacks: Sequence[str | Mapping[str, Any] | BaseModel]
    epsilon: float | Sequence[float]
    steps: int
    step_size: float
    epsilon_scale: float | Sequence[float] | str
    when: Mapping[str, Any] | BaseModel
    action_mode: str
    precision: str
    max_episode_steps: int
    require_clean_score: bool


class TrainingFields(TypedDict, total=False):
    """The fields of a TrainingSpec that are its own; one left out has the service's default."""

    method: str
    config: Mapping[str, Any]
    """Overrides of the trainer's configuration, such as {"steps": 1_000_000}; GET /v1/defenses has its schema."""
    seed: int
    name: str


class ExtensionFields(TypedDict, total=False):
    """What an extension adds to an evaluation."""

    seeds: int | Sequence[int]
    """n means 0..n-1."""
    episodes_per_seed: int
    attacks: Sequence[str | Mapping[str, Any] | BaseModel]
    epsilon: float | Sequence[float]


class AttackFields(TypedDict, total=False):
    """The fields of an ObservationAttackSpec beside `kind` and `epsilon`; one left out has the service's default."""

    steps: int
    step_size: float
    norm: str
    restarts: int
    quantize: bool
    clip: bool
    loss: str
    members: Sequence[str]
    seed: int
    epsilon_scale: Sequence[float]
    low: float
    high: float


class LandscapeFields(TypedDict, total=False):
    """The fields of a LandscapeSpec beside `policy_ids` and `env`; one left out has the service's default."""

    epsilon: float
    epsilon_scale: Sequence[float]
    states: int
    starts: int
    steps: int
    step_size: float
    seed: int
    figure5_states: int


def plain(value: Any) -> Any:
    """`value` as JSON types: models are dumped, sequences (ranges, tuples) become lists, None fields are left out."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return value


def evaluation_spec(env: str | Mapping[str, Any] | BaseModel, spec: SpecFields) -> dict[str, Any]:
    """The JSON of an evaluation, without its policy."""
    attacks = [{"kind": item} if isinstance(item, str) else item for item in spec.get("attacks", ())]
    given = {"env": env, **spec, **({"attacks": attacks} if "attacks" in spec else {})}
    filled: dict[str, Any] = plain(given)
    return filled


def hardening_config(config: Mapping[str, Any], spec: SpecFields) -> dict[str, Any]:
    """The configuration of a training against what `spec` attacks with: the largest epsilon, in the same units.

    What `config` says itself stands.
    """
    epsilon, scale = spec.get("epsilon"), spec.get("epsilon_scale")
    budget: dict[str, Any] = {}
    if epsilon is not None:
        budget["epsilon"] = epsilon if isinstance(epsilon, int | float) else max(epsilon)
    if isinstance(scale, Sequence) and not isinstance(scale, str):
        budget["epsilon_scale"] = list(scale)
    return {**budget, **config}


def policy_of(policy: str | Path) -> PolicyFile | str:
    """A file to upload, or the id of a policy that the service has. Raises InvalidRequest."""
    if isinstance(policy, str) and _POLICY_ID.match(policy) and not Path(policy).exists():
        return policy
    return find_policy(policy)


def described(policy: str | Path, card: Card | None, vecnormalize: str | Path | None) -> Card | None:
    """The card with the statistics of a VecNormalize file in it. Raises InvalidRequest."""
    if vecnormalize is None:
        return card
    if isinstance(policy_of(policy), str):
        raise InvalidRequest(
            "The statistics of a VecNormalize become part of a policy when it is uploaded; this one is there already. "
            "Give its file instead of its id."
        )
    statistics = read_vecnormalize(vecnormalize)
    if statistics is None:
        sys.stderr.write(f"{vecnormalize} normalises rewards only (norm_obs=False): nothing of it is needed.\n")
        return card
    known, found = (plain(_read_card(Path(card)) if isinstance(card, str | Path) else card) or {}), plain(statistics)
    twice = [name for name in _STATISTICS if name in known]
    if twice:
        raise InvalidRequest(f"The card and the VecNormalize file both give {twice[0]}; leave it out of the card.")
    return {**known, **{name: found[name] for name in _STATISTICS if name in found}}


def card_form(card: Card | None) -> dict[str, str]:
    """The form field `card`, empty where there is nothing to say. Raises InvalidRequest."""
    if card is None:
        return {}
    if isinstance(card, str | Path):
        card = _read_card(Path(card))
    return {"card": json.dumps(plain(card))}


def _read_card(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(f"A card is a JSON file; {str(path)!r} cannot be read.") from error
    except ValueError as error:
        raise InvalidRequest(f"A card is a JSON file; {str(path)!r} is not JSON.") from error
    if not isinstance(content, dict):
        raise InvalidRequest(f"A card is a JSON object of hints; {str(path)!r} holds a {type(content).__name__}.")
    return content
