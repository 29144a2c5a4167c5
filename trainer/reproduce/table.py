"""The paper's Table 1 beside what was reached, as Markdown; made of stored reports and of nothing else."""

from collections.abc import Mapping
from pathlib import Path

from saddlepoint.evaluation.formatting import interval, number
from trainer.reproduce import paper
from trainer.reproduce.results import ROWS, Results
from trainer.reproduce.study import Study

MISSING = "missing"
_NOTE = (
    "Mean raw returns with 95% intervals: of two to nine runs Student's t over the means of the runs, of one run only "
    "the noise of its evaluation. `paper` is the mean of 2,500 episodes in Table 1, at epsilon 4. Actions are sampled "
    "where it does not say greedy."
)


def make_table(study: Study, root: Path) -> str:
    """All games; a cell without a report is shown as missing, and one with fewer runs than planned says so."""
    parts = [_game(study, game, {m: Results.of(study, root, game, m) for m in study.methods}) for game in study.games]
    return "\n\n".join([*parts, _NOTE]) + "\n"


def _game(study: Study, game: str, results: Mapping[str, Results]) -> str:
    planned = study.seeds * study.environment_seeds * study.episodes
    heads = [f"{method} | paper" for method in study.methods]
    lines = [
        f"### {game}, epsilon {study.epsilon:g}",
        "",
        f"Planned: {study.seeds} runs of {study.steps:,} steps, {planned:,} episodes a cell.",
        "",
        f"| attack | {' | '.join(heads)} |",
        f"|---|{'---|---|' * len(study.methods)}",
        f"| trained steps | {' | '.join(f'{_steps(results[m])} | {_paper_steps(game)}' for m in study.methods)} |",
    ]
    for row in ROWS:
        cells = [f"{_cell(study, results[m], row)} | {_paper(game, m, row)}" for m in study.methods]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(study: Study, results: Results, row: str) -> str:
    found = results.pooled(row)
    if found is None:
        return MISSING
    text = f"{number(found.mean, 2)} {interval(found.ci95, 2)}".strip()
    runs = len(results.returns(row))
    return text if runs == study.seeds else f"{text} ({runs} of {study.seeds} runs)"


def _steps(results: Results) -> str:
    steps = results.steps()
    if not steps:
        return MISSING
    return f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"


def _paper(game: str, method: str, row: str) -> str:
    reported = paper.reported(game, method, row)
    return "–" if reported is None else number(reported, 2)


def _paper_steps(game: str) -> str:
    return "100,000,000" if game in paper.TABLE_1 else "–"
