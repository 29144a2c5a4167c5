"""Figures put marks where the numbers are."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from saddlepoint.evaluation.bar_chart import Bar, bar_chart, dot_limit
from saddlepoint.evaluation.epsilon_chart import Point, Series, epsilon_chart
from saddlepoint.evaluation.figures import LAYOUTS, NARROW, WIDE, Layout, shorten
from saddlepoint.evaluation.svg import Scale, dots, element

BARS = (
    Bar("none", "10", 0, 10.0, (8.0, 12.0), [7.0, 10.0, 13.0]),
    Bar("ce", "-2", 4, -2.0, None, [-2.0]),
)
SERIES = (
    Series("random", 1, [Point(1.0, 9.5, (9.0, 10.0)), Point(4.0, 9.0, (8.0, 10.0))]),
    Series("ce", 4, [Point(1.0, 5.0, (4.0, 6.0)), Point(4.0, -2.0, None)]),
)
SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: str) -> list[str]:
    return [item.text or "" for item in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def test_a_scale_maps_ends_to_ends_and_turns_upside_down() -> None:
    scale = Scale(-10.0, 30.0, 200.0, 0.0)
    assert [scale(-10.0), scale(10.0), scale(30.0)] == [200.0, 100.0, 0.0]


def test_attributes_are_escaped() -> None:
    assert element("g", class_='"<&') == '<g class="&quot;&lt;&amp;"/>'


def test_a_dot_is_a_line_of_no_length() -> None:
    assert dots([(1.0, 2.0), (3.25, 4.0)]) == "M1 2h0M3.2 4h0"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bars_are_well_formed_and_name_what_they_show(layout: Layout) -> None:
    shown = texts(bar_chart(BARS, 1.0, 10.0, "Returns", layout))
    assert {"none", "ce", "10", "-2", "random policy", "no attack"} <= set(shown)


def test_a_bar_starts_at_the_random_policy_and_ends_at_the_mean() -> None:
    root = ElementTree.fromstring(bar_chart(BARS, 4.0, None, "Returns", WIDE))
    above, below = root.iter(f"{SVG}rect")
    start = float(above.get("x", ""))
    assert float(below.get("x", "")) + float(below.get("width", "")) == pytest.approx(start, abs=0.11)
    ratio = float(above.get("width", "")) / float(below.get("width", ""))
    assert ratio == pytest.approx((10.0 - 4.0) / (4.0 - -2.0), abs=0.01)


def test_every_episode_is_a_dot_until_there_are_too_many() -> None:
    many = Bar("many", "0", 1, 0.0, None, [float(value) for value in range(5000)])
    root = ElementTree.fromstring(bar_chart([BARS[0], many], 0.0, None, "Returns", NARROW))
    counts = [
        len(re.findall("h0", path.get("d", ""))) for path in root.iter(f"{SVG}path") if path.get("class") == "dots"
    ]
    assert counts == [3, dot_limit(2)]


def test_an_episode_quantile_keeps_the_extremes() -> None:
    returns = [0.0] * 3000 + [-50.0, 70.0]
    root = ElementTree.fromstring(bar_chart([Bar("a", "0", 1, 0.0, None, returns)], 0.0, None, "Returns", WIDE))
    path = next(path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("class") == "dots")
    places = [float(x) for x in re.findall(r"M([\d.]+) ", path)]
    assert (min(places), max(places)) == pytest.approx((WIDE.left + 21.9, WIDE.width - WIDE.right - 21.9), abs=1.0)


def test_an_interval_far_wider_than_the_episodes_runs_off_the_figure_with_an_arrow() -> None:
    wide = Bar("a", "0", 1, 0.0, (-1000.0, 1.2), [-1.0, 0.0, 1.0])
    root = ElementTree.fromstring(bar_chart([wide], 0.0, None, "Returns", WIDE))
    path = next(path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("class") == "ci")
    (start, *_), left, right = (re.findall(r"[\d.]+", part) for part in path[1:].split("M"))
    assert float(start) == WIDE.left
    assert len(left) == 6
    assert len(right) == 4
    tip, cap = left[2], right[0]
    assert float(tip) == WIDE.left
    assert float(cap) < WIDE.width - WIDE.right


def test_equal_values_still_have_a_scale() -> None:
    ElementTree.fromstring(bar_chart([Bar("flat", "0", 1, 0.0, (0.0, 0.0), [0.0])], 0.0, 0.0, "Returns", WIDE))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_curves_start_at_the_clean_return(layout: Layout) -> None:
    root = ElementTree.fromstring(epsilon_chart(SERIES, 0.0, Point(0.0, 10.0, (9.0, 11.0)), "Curves", layout))
    curves = [path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("class") == "curve"]
    assert [curve.count("L") for curve in curves] == [2, 2]
    assert len({curve.split("L")[0] for curve in curves}) == 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("half", "anchor"), [(0.05, "start"), (2.5, "end")])
def test_the_epsilon_that_halves_the_score_is_marked_and_named_inside(layout: Layout, half: float, anchor: str) -> None:
    root = ElementTree.fromstring(epsilon_chart(SERIES, 0.0, None, "Curves", layout, half=half))
    (mark,) = [path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("class") == "reference half"]
    (name,) = [text for text in root.iter(f"{SVG}text") if text.get("class") == "caption half"]
    start, end = (float(place.split()[0]) for place in mark.removeprefix("M").split("L"))
    assert start == end
    assert (name.text, name.get("text-anchor")) == ("half lost", anchor)
    assert abs(float(name.get("x", "")) - start) == pytest.approx(6.0, abs=0.11)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_of_close_curves_do_not_overlap(layout: Layout) -> None:
    close = [Series(f"attack {index}", index + 1, [Point(1.0, 5.0 + index / 100, None)]) for index in range(6)]
    root = ElementTree.fromstring(epsilon_chart(close, 5.0, None, "Curves", layout))
    names = [text for text in root.iter(f"{SVG}text") if (text.text or "").startswith(("attack", "random"))]
    places = sorted(float(text.get("y", "")) for text in names)
    assert len(places) == 7
    assert min(below - above for above, below in pairwise(places)) >= 14.0


def test_long_names_are_shortened() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"
