"""The part of the report that shows one game without and with the worst attack."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest

from saddlepoint.evaluation.evidence import Evidence, NoEvidence
from saddlepoint.evaluation.html import render_html
from saddlepoint.evaluation.moments_page import magnification
from saddlepoint.evaluation.replay_page import SCRIPT
from tests.evaluation.sample_evidence import ENDED, EPSILON, STEPS, sample_evidence, vector_evidence
from tests.evaluation.sample_report import sample_report
from tests.evaluation.test_html import HOSTILE, Page


def page_of(evidence: Evidence | NoEvidence) -> Page:
    return Page(render_html(sample_report(), evidence))


def attributes_of(page: Page, tag: str) -> list[dict[str, str | None]]:
    return [attributes for name, attributes in page.tags if name == tag]


def test_equal_evidence_gives_equal_bytes() -> None:
    assert render_html(sample_report(), sample_evidence()) == render_html(sample_report(), sample_evidence())


@pytest.mark.parametrize("evidence", [sample_evidence(), vector_evidence()], ids=["frames", "vector"])
def test_every_element_is_closed_and_nothing_is_fetched(evidence: Evidence) -> None:
    page = page_of(evidence)
    assert page.open == []
    sources = [own[key] or "" for _, own in page.tags for key in ("src", "href", "poster") if own.get(key)]
    assert all(source.startswith(("data:image/png;base64,", "data:video/mp4;base64,")) for source in sources)


def test_only_the_script_of_the_replay_may_run() -> None:
    html = render_html(sample_report(), sample_evidence())
    data, script = re.findall(r"<script[^>]*>(.*?)</script>", html, re.S)
    assert json.loads(data)["pace"] == 30
    assert script == SCRIPT
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy.startswith("default-src 'none'")
    assert policy.endswith(f"media-src data:; script-src 'sha256-{allowed}'")


def test_the_video_has_controls_and_does_not_start_by_itself() -> None:
    (video,) = attributes_of(page_of(sample_evidence()), "video")
    assert {"controls", "muted", "playsinline", "poster"} <= video.keys()
    assert "autoplay" not in video
    assert "side by side" in (video["aria-label"] or "")


def test_which_games_these_are_is_said() -> None:
    text = page_of(sample_evidence()).text
    assert "Seed 0, episode 0: the first that was planned, not picked by its outcome" in text
    assert f"Without attack return 60.00 in {STEPS} steps" in text
    assert f"Under attack return −40.00 in {ENDED} steps" in text
    assert "earned the same rewards step by step" in text


def test_what_the_script_is_told_is_what_was_played() -> None:
    html = render_html(sample_report(), sample_evidence())
    data = json.loads(re.findall(r'id="replay-data">(.*?)</script>', html)[0])
    assert (data["steps"], data["stride"], data["measure"]) == (STEPS, 1, "KL")
    assert data["clean"] == [float(step + 1) for step in range(STEPS)]
    assert data["attacked"] == [-float(step + 1) for step in range(ENDED)]
    assert data["flips"] == [step % 2 for step in range(ENDED)]


def test_a_video_of_another_game_or_of_a_part_is_called_so() -> None:
    evidence = sample_evidence()
    assert evidence.footage is not None
    other = replace(evidence, footage=replace(evidence.footage, is_the_game=False, stride=2, steps=30))
    text = page_of(other).text
    assert "A re-enactment:" in text
    assert "one for every 2 steps" in text
    assert "The video has the first 30 steps." in text


def test_without_a_video_the_timeline_is_left_and_says_why() -> None:
    page = page_of(replace(sample_evidence(), footage=None, why_no_footage="the screen is broken"))
    assert attributes_of(page, "video") == []
    assert "The screen is broken." in page.text
    assert [own["data-start"] is not None for own in attributes_of(page, "div") if "data-start" in own] == [True, True]


def test_without_evidence_the_reason_takes_its_place() -> None:
    page = page_of(NoEvidence("nobody kept a record"))
    assert "The same game without and with the attack Nobody kept a record." in page.text
    assert page.count("script") == 0


def test_each_moment_shows_three_pictures_and_what_was_played() -> None:
    page = page_of(sample_evidence())
    alternatives = [own["alt"] for own in attributes_of(page, "img")]
    kinds = ("What there was", "What was added", "What the policy saw")
    assert alternatives == [f"{kind} at step {step}" for step in (5, 25) for kind in kinds]
    assert page.text.count("Without the attack it would have played noop ; it played fire .") == 2
    assert "fire 20.0% 85.0%" in page.text
    assert [own["data-step"] for own in attributes_of(page, "button") if "data-step" in own] == ["5", "25"]


def test_perturbations_are_magnified_until_the_largest_is_black_or_white() -> None:
    assert magnification(sample_evidence()) == 127.5 / EPSILON
    assert magnification(vector_evidence()) == 0
    assert "magnified 31.9 times" in page_of(sample_evidence()).text


def test_a_vector_has_curves_of_its_entries_and_bars_of_their_shifts() -> None:
    html = render_html(sample_report(), vector_evidence())
    text = Page(html).text
    for name in ("observation 0", "observation 1", "action 0", "action 1"):
        assert f"{name} over the steps of both games" in text
    assert "action 0 0.250 0.000 action 1 −0.750 1.000" in text
    assert "step 3" in text.lower()
    assert "action shifted by 1.000" in text


def test_names_that_others_chose_cannot_leave_their_place() -> None:
    evidence = sample_evidence()
    hostile = replace(
        evidence, cell=evidence.cell.model_copy(update={"name": HOSTILE}), action_names=(HOSTILE, HOSTILE, HOSTILE)
    )
    page = page_of(hostile)
    assert page.open == []
    assert page.count("script") == 2
    assert HOSTILE in page.text
