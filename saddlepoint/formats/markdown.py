"""A report as Markdown: for a pull request, an issue, the summary of a CI job."""

from collections.abc import Iterator, Sequence

from saddlepoint.formats import numbers
from saddlepoint.formats.commands import commands
from saddlepoint.formats.names import attack_name, environment_id, policy_title
from saddlepoint.schemas.gates import Gate
from saddlepoint.schemas.reports import Cell, RobustnessReport

_HEADER = ("attack", "epsilon", "mean return", "normalised", "against no attack", "IQM", "CVaR 10%", "flips", "KL", "n")


def to_markdown(report: RobustnessReport, gate: Gate | None = None) -> str:
    """The verdict, that of a gate where there is one, the table, and how to make the report again."""
    return "\n".join(
        [
            f"# {escaped(policy_title(report))} on {escaped(environment_id(report))}",
            "",
            f"**{escaped(numbers.typeset(report.verdict))}**",
            "",
            *(_gate(gate) if gate else ()),
            *table(_HEADER, list(_rows(report))),
            "",
            "Mean returns, normalised scores and paired differences have 95% intervals. "
            f"{_epsilon(report)} {_half_score(report)}".rstrip(),
            *_warnings(report),
            "",
            "Made again by:",
            "",
            "```sh",
            *commands(report)[:1],
            "```",
            "",
            f"Evaluation `{report.id}`, {report.created_at:%Y-%m-%d}, Saddlepoint "
            f"{escaped(report.versions.get('saddlepoint', ''))}.",
            "",
        ]
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; its entries are Markdown already."""
    return [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *rows)]


def escaped(text: str) -> str:
    """Names are others' choice: what would end a cell or open markup is taken literally."""
    return "".join(f"\\{letter}" if letter in "\\|<>[]`*_" else letter for letter in " ".join(text.split()))


def _gate(gate: Gate) -> Iterator[str]:
    yield f"Gate **{'passed' if gate.passed else 'failed'}**:"
    yield ""
    yield from (f"- {'passed' if check.passed else '**failed**'}: {escaped(check.sentence)}" for check in gate.checks)
    yield ""


def _rows(report: RobustnessReport) -> Iterator[list[str]]:
    reference = report.reference.random_policy
    decimals = numbers.decimals_for([*(cell.mean for cell in report.cells), reference.mean])
    for cell in report.cells:
        yield _row(cell, attack_name(cell), decimals)
    for cell in report.greedy_cells:
        yield _row(cell, f"{attack_name(cell)} (greedy)", decimals)
    dashes = [numbers.NOTHING] * 6
    yield ["random policy", numbers.NOTHING, numbers.number(reference.mean, decimals), *dashes, str(reference.episodes)]


def _row(cell: Cell, name: str, decimals: int) -> list[str]:
    shift = f"{cell.mean_action_shift:.3g} off" if cell.mean_action_shift is not None else numbers.share(cell.flip_rate)
    return [
        escaped(name),
        numbers.NOTHING if cell.attack == "none" else numbers.plain(cell.epsilon),
        _with(numbers.number(cell.mean, decimals), cell.ci95 and numbers.interval(cell.ci95, decimals)),
        _with(numbers.share(cell.normalized), _shares(cell)),
        _with(
            numbers.signed(cell.difference_to_clean, decimals),
            cell.difference_ci95 and numbers.interval(cell.difference_ci95, decimals),
        ),
        numbers.number(cell.iqm, decimals),
        numbers.number(cell.cvar10, decimals),
        shift,
        numbers.number(cell.mean_kl, 3),
        str(cell.episodes),
    ]


def _shares(cell: Cell) -> str:
    if cell.normalized_ci95 is None or cell.attack == "none":
        return ""
    low, high = cell.normalized_ci95
    return f"[{numbers.share(low)}, {numbers.share(high)}]"


def _with(text: str, interval: str | None) -> str:
    return f"{text} {interval}" if interval else text


def _epsilon(report: RobustnessReport) -> str:
    return f"Epsilon is in {numbers.epsilon_units(environment_id(report))}."


def _half_score(report: RobustnessReport) -> str:
    if report.epsilon_half_score is None:
        return ""
    return f"Half of the lead over a random policy is lost at epsilon {numbers.significant(report.epsilon_half_score)}."


def _warnings(report: RobustnessReport) -> Iterator[str]:
    if report.warnings:
        yield ""
        yield from (f"- {escaped(numbers.sentence(warning))}" for warning in report.warnings)
