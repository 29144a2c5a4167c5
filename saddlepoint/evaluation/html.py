"""The robustness report as one HTML page that opens offline: nothing is fetched, and only the replay has a script."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from saddlepoint.evaluation import formatting, provenance
from saddlepoint.evaluation.bar_chart import Bar, bar_chart, dot_limit
from saddlepoint.evaluation.epsilon_chart import Point, Series, epsilon_chart
from saddlepoint.evaluation.evidence import Evidence, NoEvidence
from saddlepoint.evaluation.figures import COLOURS, LAYOUTS
from saddlepoint.evaluation.replay_page import SCRIPT_HASH, replay_context
from saddlepoint.formats.commands import commands, minimal_spec
from saddlepoint.formats.names import attack_name, environment_id, policy_title
from saddlepoint.marked import marked
from saddlepoint.schemas.attacks import ATTACKS
from saddlepoint.schemas.landscapes import HEADS
from saddlepoint.schemas.reports import LANDSCAPE_BEGINS, LANDSCAPE_ENDS, Cell, RobustnessReport

NOBODY_LOOKED = NoEvidence()
MAX_BARS = 30
"""Beyond, the figure keeps each attack's largest epsilon only; the table has them all."""


def render_html(report: RobustnessReport, evidence: Evidence | NoEvidence = NOBODY_LOOKED) -> str:
    """The page. Equal reports give equal bytes; every text of the report is escaped."""
    return page_environment().get_template("report.html").render(_context(report) | _shown(report, evidence))


def page_environment() -> Environment:
    """Templates that escape every text, with the filters that our pages share."""
    environment = Environment(
        loader=PackageLoader("saddlepoint.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": formatting.number,
        "signed": formatting.signed,
        "interval": formatting.interval,
        "share": formatting.share,
        "significant": formatting.significant,
        "plain": formatting.plain,
        "duration": formatting.duration,
        "marked": marked,
        "sentence": formatting.sentence,
        "typeset": formatting.typeset,
        "value": provenance.text_of,
    }
    return environment


def _context(report: RobustnessReport) -> dict[str, Any]:
    env_id = environment_id(report)
    colours = _colours(report.cells)
    drawn = _drawn(report.cells)
    clean = next((cell for cell in report.cells if cell.attack == "none"), None)
    return {
        "report": report,
        "env_id": env_id,
        "title": policy_title(report),
        "units": formatting.epsilon_units(env_id),
        "decimals": _decimals(report),
        "clean": clean,
        "numeric": any(cell.mean_action_shift is not None for cell in report.cells),
        "name": attack_name,
        "colours": colours,
        "bars": _bar_charts(report, drawn, clean, colours),
        "curves": _epsilon_charts(report, clean, colours),
        "fewer_bars": len(drawn) < len(report.cells),
        "fewer_dots": any(cell.episodes > dot_limit(len(drawn)) for cell in drawn),
        "pairs": [(cell, _sampled(report, cell)) for cell in report.greedy_cells],
        "health": [cell for cell in (*report.cells, *report.greedy_cells) if cell.health is not None],
        "attacks": [ATTACKS[kind] for kind in dict.fromkeys(cell.attack for cell in report.cells) if kind in ATTACKS],
        "policy": provenance.policy_facts(report.policy),
        "contents": report.policy.get("contents") or [],
        "limit": provenance.MAX_LISTED,
        "environment": provenance.environment(report.env),
        "episodes": provenance.episodes(report),
        "landscape_begins": Markup(LANDSCAPE_BEGINS),
        "landscape_ends": Markup(LANDSCAPE_ENDS),
        "surveyable": _is_surveyable(report),
        "commands": commands(report),
        "spec": json.dumps(minimal_spec(report.spec), indent=2, ensure_ascii=False),
    }


def _shown(report: RobustnessReport, evidence: Evidence | NoEvidence) -> dict[str, Any]:
    if isinstance(evidence, NoEvidence):
        return {"evidence": None, "why_no_evidence": evidence.reason}
    wanted = (evidence.cell.name, evidence.cell.attack.epsilon)
    means = (cell.mean for cell in report.cells if (cell.label, cell.epsilon) == wanted)
    shared = {"script_hash": SCRIPT_HASH, "worst_mean": next(means, None)}
    return shared | replay_context(evidence, _colours(report.cells))


def _is_surveyable(report: RobustnessReport) -> bool:
    """Whether there can be a landscape, at an epsilon that was played."""
    has_head = report.policy.get("head") in HEADS and not report.policy.get("states")
    return has_head and report.worst_case is not None and report.worst_case.epsilon > 0


def _decimals(report: RobustnessReport) -> int:
    return formatting.decimals_for([cell.mean for cell in report.cells] + [report.reference.random_policy.mean])


def _colours(cells: Sequence[Cell]) -> dict[str, int]:
    """The colour class of each attack by name: 0 for no attack, the others in the report's order."""
    attacks = dict.fromkeys(attack_name(cell) for cell in cells if cell.attack != "none")
    clean = {attack_name(cell): 0 for cell in cells if cell.attack == "none"}
    return clean | {attack: 1 + index % (COLOURS - 1) for index, attack in enumerate(attacks)}


def _sampled(report: RobustnessReport, greedy: Cell) -> Cell | None:
    """The cell that differs from `greedy` in the action mode only."""
    wanted = (greedy.attack, attack_name(greedy), greedy.epsilon)
    return next((cell for cell in report.cells if (cell.attack, attack_name(cell), cell.epsilon) == wanted), None)


def _drawn(cells: Sequence[Cell]) -> list[Cell]:
    if len(cells) <= MAX_BARS:
        return list(cells)
    largest = {attack_name(cell): cell for cell in sorted(cells, key=lambda cell: cell.epsilon)}
    return [cell for cell in cells if largest[attack_name(cell)] is cell][:MAX_BARS]


def _bar_charts(
    report: RobustnessReport, cells: Sequence[Cell], clean: Cell | None, colours: Mapping[str, int]
) -> Markup:
    with_epsilon = len({cell.epsilon for cell in cells if cell.attack != "none"}) > 1
    decimals = _decimals(report)
    bars = [
        Bar(
            label=f"{attack_name(cell)} @ {cell.epsilon:g}"
            if with_epsilon and cell.attack != "none"
            else attack_name(cell),
            value=f"{formatting.number(cell.mean, decimals)} {formatting.interval(cell.ci95, decimals)}",
            colour=colours[attack_name(cell)],
            mean=cell.mean,
            ci95=cell.ci95,
            returns=cell.returns,
        )
        for cell in cells
    ]
    title = "Return under each attack: mean, 95% interval and every episode"
    clean_mean = None if clean is None else clean.mean
    return _markup(bar_chart(bars, report.reference.random_policy.mean, clean_mean, title, each) for each in LAYOUTS)


def _epsilon_charts(report: RobustnessReport, clean: Cell | None, colours: Mapping[str, int]) -> Markup | None:
    """None unless some attack was played at several epsilons."""
    attacked: dict[str, list[Cell]] = {}
    for cell in sorted(report.cells, key=lambda cell: cell.epsilon):
        if cell.attack != "none":
            attacked.setdefault(attack_name(cell), []).append(cell)
    if not any(len(cells) > 1 for cells in attacked.values()):
        return None
    series = [
        Series(attack, colours[attack], [Point(cell.epsilon, cell.mean, cell.ci95) for cell in cells])
        for attack, cells in attacked.items()
    ]
    start = None if clean is None else Point(0.0, clean.mean, clean.ci95)
    title = "Mean return against epsilon, one curve per attack"
    floor, half = report.reference.random_policy.mean, report.epsilon_half_score
    return _markup(epsilon_chart(series, floor, start, title, each, half=half) for each in LAYOUTS)


def _markup(drawings: Iterable[str]) -> Markup:
    """Drawings as they are: `svg` has escaped every text and attribute in them."""
    return Markup("".join(drawings))
