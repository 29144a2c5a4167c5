"""The paper's figures as files, made of what a study has stored; what is not there yet is left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from saddlepoint.envs.describe import describe
from saddlepoint.evaluation.bar_chart import Bar, bar_chart
from saddlepoint.evaluation.distribution_chart import Distribution, distribution_chart
from saddlepoint.evaluation.epsilon_chart import Point, Series, epsilon_chart
from saddlepoint.evaluation.figures import WIDE
from saddlepoint.evaluation.formatting import interval, number
from saddlepoint.evaluation.landscape_page import render_landscape
from saddlepoint.evaluation.landscape_result import fold_landscape
from saddlepoint.evaluation.learning_chart import LearningCurve, label_of, learning_chart
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.landscapes import LandscapeRecord, LandscapeResult
from trainer.reproduce.curves import mean_curve
from trainer.reproduce.frames import picture
from trainer.reproduce.models import STAGES, Model, runs_of
from trainer.reproduce.results import ROWS, Results
from trainer.reproduce.study import Study
from trainer.reproduce.work import LANDSCAPE_METHODS, read_columns

STYLE = files("saddlepoint.evaluation").joinpath("templates/report.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Figure:
    """A file beside the table; drawings are shown on the page too."""

    name: str
    caption: str
    data: bytes


def make_figures(study: Study, root: Path) -> Iterator[Figure]:
    """All that can be made."""
    for game in study.games:
        results = {method: Results.of(study, root, game, method) for method in study.methods}
        found = {method: each for method, each in results.items() if each.table}
        name = game.replace("/", "-")
        for method, each in found.items():
            caption = f"Figure 1, {game}, {method}: returns under each attack, intervals over runs"
            yield _drawn(f"figure-1-{name}-{method}", caption, _bars(each, caption))
        yield from _learning(study, root, game, results)
        if found:
            caption = f"Figure 3, {game}: return under ce against epsilon"
            yield _drawn(f"figure-3-{name}", caption, _epsilons(study, found, caption))
        yield from _landscape(study, root, game)
        yield from _frames(study, root, game)


def _drawn(name: str, caption: str, drawing: str) -> Figure:
    """A drawing that carries its own style, for a reader of single files."""
    start = drawing.index(">") + 1
    styled = f"{drawing[:start]}<style><![CDATA[{STYLE}]]></style>{drawing[start:]}"
    return Figure(f"{name}.svg", caption, styled.encode())


def _bars(results: Results, caption: str) -> str:
    bars = []
    for colour, row in enumerate(ROWS):
        found = results.pooled(row)
        if found is not None:
            value = f"{number(found.mean, 2)} {interval(found.ci95, 2)}"
            returns = [each for run in results.returns(row) for each in run]
            bars.append(Bar(row, value, 0 if row == "none" else 1 + colour, found.mean, found.ci95, returns))
    clean = results.pooled("none")
    return bar_chart(bars, results.random_policy() or 0.0, clean.mean if clean else None, caption, WIDE)


def _learning(study: Study, root: Path, game: str, results: dict[str, Results]) -> Iterator[Figure]:
    curves = []
    for colour, method in enumerate(study.methods, start=1):
        points = mean_curve(runs_of(study, root, game, method))
        scores = [results[method].pooled(row) for row in ("none", "ce")]
        clean, attacked = (None if score is None else score.mean for score in scores)
        if points:
            curves.append(LearningCurve(label_of(method), colour, points, clean, attacked))
    if curves:
        caption = f"Figure 2, {game}: return of the policy that acts while it trains"
        name = f"figure-2-{game.replace('/', '-')}"
        yield _drawn(name, caption, learning_chart(curves, caption, WIDE))


def _epsilons(study: Study, results: dict[str, Results], caption: str) -> str:
    series = [
        Series(method, colour, [Point(r, found.mean, found.ci95) for r, found in each.by_epsilon(study.epsilon)])
        for colour, (method, each) in enumerate(results.items(), start=1)
    ]
    random_policy = next(iter(results.values())).random_policy() or 0.0
    return epsilon_chart(series, random_policy, None, caption, WIDE)


def _landscape(study: Study, root: Path, game: str) -> Iterator[Figure]:
    """Figure 4 as a drawing, and the page that has Figure 5 as well."""
    result = landscape_of(study, root, game)
    if result is None:
        return
    name, caption = game.replace("/", "-"), f"Figure 4, {game}: share of states whose largest KL is at most x"
    curves = [Distribution(each.name, 1 + index, each.max_kl) for index, each in enumerate(result.policies)]
    yield _drawn(f"figure-4-{name}", caption, distribution_chart(curves, caption, WIDE))
    page = render_landscape(result).encode()
    yield Figure(f"figures-4-and-5-{name}.html", f"Figures 4 and 5, {game}: the KL landscape", page)


def landscape_of(study: Study, root: Path, game: str) -> LandscapeResult | None:
    """The folded landscape of the policies all of whose chunks are stored, None where there are none."""
    names, policy_ids, chunks = [], [], []
    for method in (method for method in LANDSCAPE_METHODS if method in study.methods):
        model = Model(root, game, method, 0)
        for stage in STAGES:
            policy = model.policy(stage)
            count = study.landscape(game, "any").chunks_per_policy
            folder = model.landscape(policy.card) if policy else model.folder
            columns = [read_columns(folder / f"{chunk:05d}.npz") for chunk in range(count)]
            whole = [found for found in columns if found is not None]
            if policy and len(whole) == count:
                names.append(f"{method}, {stage}")
                policy_ids.append(policy.card.id)
                chunks.append(whole)
    if not names:
        return None
    record = LandscapeRecord(
        id=f"reproduction-{game.replace('/', '-')}",
        owner="reproduction",
        created_at=datetime.now(UTC),
        chunks=sum(map(len, chunks)),
        chunk_timeout_s=1.0,
        spec=study.landscape(game, *policy_ids),
        environment=describe(EnvironmentSpec(id=game)),
    )
    return fold_landscape(record, names, chunks)


def _frames(study: Study, root: Path, game: str) -> Iterator[Figure]:
    for method in study.methods:
        frames = read_columns(Model(root, game, method, 0).frames)
        if frames is not None:
            caption = f"Figure 6, {game}, {method}: clean, perturbation from -epsilon to epsilon, attacked"
            yield Figure(f"figure-6-{game.replace('/', '-')}-{method}.png", caption, picture(frames))
