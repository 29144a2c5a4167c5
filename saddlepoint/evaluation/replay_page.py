"""One game without and with the worst attack found, as a part of the report's page."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from saddlepoint.evaluation.entries_chart import course_chart
from saddlepoint.evaluation.evidence import Evidence
from saddlepoint.evaluation.figures import LAYOUTS
from saddlepoint.evaluation.moments_page import magnification, shown_moments
from saddlepoint.evaluation.png import data_uri
from saddlepoint.evaluation.timeline_chart import Timeline, edges, timeline_chart
from saddlepoint.evaluation.video import FRAMES_PER_S

SCRIPT = files("saddlepoint.evaluation").joinpath("templates/replay.js").read_text(encoding="utf-8")
SCRIPT_HASH = "sha256-" + base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
"""By which the page's own policy knows the one script that may run in it."""
_MOST_COURSES = 8
_KL, _SHIFT = "KL of the clean from the attacked policy, nats", "shift of the greedy action"


def replay_context(evidence: Evidence, colours: Mapping[str, int]) -> dict[str, Any]:
    """What the templates `replay.html` and `moments.html` need; `colours` are of the attacks, by name."""
    colour = colours.get(evidence.cell.name, 1)
    timeline = _timeline(evidence, colour)
    footage = evidence.footage
    return {
        "evidence": evidence,
        "colour": colour,
        "tracks": [(layout.name, *edges(layout), Markup(_chart(timeline, layout))) for layout in LAYOUTS],
        "steps": timeline.steps,
        "video": footage and f"data:video/mp4;base64,{base64.b64encode(footage.video).decode()}",
        "poster": footage and data_uri(footage.poster),
        "pace": FRAMES_PER_S,
        "courses": _courses(evidence, colour),
        "moments": shown_moments(evidence, colour),
        "magnification": magnification(evidence),
        "data": Markup(json.dumps(_data(timeline, evidence), separators=(",", ":"))),
        "script": Markup(SCRIPT),
    }


def _timeline(evidence: Evidence, colour: int) -> Timeline:
    clean, attacked = evidence.clean.trace, evidence.attacked.trace
    by_kl = "kl" in attacked.measures
    return Timeline(
        clean_score=clean.rewards.cumsum(),
        attacked_score=attacked.rewards.cumsum(),
        moved=attacked.measures.get("kl" if by_kl else "shift", np.zeros(len(attacked.rewards))),
        moved_by=_KL if by_kl else _SHIFT,
        flips=attacked.measures.get("flips"),
        marks=[moment.step for moment in attacked.moments],
        colour=colour,
    )


def _chart(timeline: Timeline, layout: Any) -> str:
    title = "The score so far of both games, and how far the attack moved the policy, by agent step"
    return timeline_chart(timeline, title, layout)


def _data(timeline: Timeline, evidence: Evidence) -> dict[str, Any]:
    """For the script: numbers only, so that nothing in it can end the element that holds it."""
    footage = evidence.footage
    return {
        "pace": FRAMES_PER_S,
        "stride": footage.stride if footage else 1,
        "steps": timeline.steps,
        "clean": _rounded(timeline.clean_score),
        "attacked": _rounded(timeline.attacked_score),
        "measure": "KL" if timeline.moved_by is _KL else "action shift",
        "moved": _rounded(timeline.moved),
        "flips": [] if timeline.flips is None else timeline.flips.astype(int).tolist(),
    }


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _courses(evidence: Evidence, colour: int) -> list[tuple[str, Markup]]:
    """Of vectors: the entries of the observation that part most, and the numbers of the action."""
    clean, attacked = evidence.clean.trace, evidence.attacked.trace
    drawn = []
    if clean.observations is not None and attacked.observations is not None:
        seen = clean.observations, attacked.observations
        drawn += [_course(f"observation {entry}", *seen, entry, colour) for entry in _parting(*seen)]
    if clean.actions.ndim == 2:
        done = clean.actions, attacked.actions
        drawn += [_course(f"action {n}", *done, n, colour) for n in range(min(_MOST_COURSES, done[0].shape[1]))]
    return drawn


def _course(name: str, clean: NDArray[Any], attacked: NDArray[Any], entry: int, colour: int) -> tuple[str, Markup]:
    title = f"{name} over the steps of both games"
    return name, Markup(course_chart(clean[:, entry], attacked[:, entry], colour, title))


def _parting(clean: NDArray[np.float32], attacked: NDArray[np.float32]) -> list[int]:
    """At most _MOST_COURSES entries, in order: those whose distributions differ most for how much they vary."""
    gap = np.abs(clean.mean(axis=0) - attacked.mean(axis=0)) + np.abs(clean.std(axis=0) - attacked.std(axis=0))
    spread = np.concatenate([clean, attacked]).std(axis=0) + 1e-9
    return sorted(np.argsort(-gap / spread, kind="stable")[:_MOST_COURSES].tolist())
