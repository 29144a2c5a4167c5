"""A study is the paper's unless told otherwise, and stays what it was begun as."""

from pathlib import Path

import pytest

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.policies import PolicyCard
from tests.evaluation.episodes import CARD
from trainer.methods import METHODS
from trainer.reproduce import paper
from trainer.reproduce.__main__ import main
from trainer.reproduce.claims import claimed
from trainer.reproduce.models import Model, models
from trainer.reproduce.study import Study, open_study
from trainer.reproduce.table import make_table


def card_of(head: str) -> PolicyCard:
    return CARD.model_copy(update={"head": head})


def test_the_defaults_are_the_papers() -> None:
    study = Study()
    assert study.games == paper.GAMES
    assert study.methods == tuple(method for method in paper.METHODS if method in METHODS)
    training = study.training("BoxingNoFrameskip-v4", "atpa", 4)
    assert (training.seed, training.config) == (4, {"steps": 100_000_000, "epsilon": 4.0, "epsilon_scale": None})
    evaluation = study.table("BoxingNoFrameskip-v4", card_of("logits"))
    assert evaluation.counts() == (10, 50)
    attacks = {
        cell.name: (cell.attack.epsilon, cell.attack.steps, cell.attack.step_size) for cell in evaluation.cells()
    }
    assert list(attacks) == ["ce", "max", "min", "random", "none"]
    assert attacks["ce"] == (4.0, 7, 2.0)
    landscape = study.landscape("BoxingNoFrameskip-v4", "p")
    assert (landscape.states, landscape.starts, landscape.steps) == (50_000, 50, 7)


def test_a_method_without_an_adversary_is_told_of_no_ball() -> None:
    assert Study().training("BoxingNoFrameskip-v4", "standard", 0).config == {"steps": 100_000_000}


@pytest.mark.parametrize(("head", "mode"), [("logits", "sample"), ("action", "greedy")])
def test_figure_3_plays_as_the_table_does(head: str, mode: str) -> None:
    spec = Study().epsilons("BoxingNoFrameskip-v4", card_of(head))
    assert spec.action_mode == mode
    assert [cell.attack.epsilon for cell in spec.cells()] == [1.0, 2.0, 6.0, 8.0]


def test_every_run_is_made_once_before_the_next_one_begins(tmp_path: Path) -> None:
    study = Study(games=("a", "b"), methods=("standard", "atpa"), seeds=2)
    order = [(model.seed, model.game, model.method) for model in models(study, tmp_path)]
    assert order == sorted(order, key=lambda each: (each[0], each[1], study.methods.index(each[2])))
    assert len(set(order)) == 8


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InvalidSpec, match=r"methods must be among standard, .*; got nonsense\."):
        Study(methods=("nonsense",))


def test_a_study_goes_on_with_its_own_options_and_with_no_others(tmp_path: Path) -> None:
    begun = open_study(tmp_path, {"seeds": 2, "steps": 512})
    assert open_study(tmp_path, {}) == open_study(tmp_path, {"steps": 512}) == begun
    with pytest.raises(InvalidSpec, match="another steps"):
        open_study(tmp_path, {"steps": 1024, "seeds": 2})


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b", "1/0"])
def test_a_shard_that_is_none_is_refused(shard: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--out", str(tmp_path), "--shard", shard])
    assert (
        f"argument --shard: A shard is k/n with k from 1 to n, such as 1/4; got '{shard}'." in capsys.readouterr().err
    )


def test_a_table_of_no_study_is_refused_and_begins_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--out", str(tmp_path / "none"), "--table"])
    assert "holds no study to read, which is a study.json; begin one without --table." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_one_process_at_a_time(tmp_path: Path) -> None:
    with claimed(tmp_path) as first, claimed(tmp_path) as second:
        assert (first, second) == (True, False)
    with claimed(tmp_path) as again:
        assert again


def test_damaged_and_missing_files_count_as_missing(tmp_path: Path) -> None:
    model = Model(tmp_path, "ALE/Boxing-v5", "atpa", 0)
    assert model.folder == tmp_path / "models" / "ALE-Boxing-v5" / "atpa" / "seed-0"
    model.folder.mkdir(parents=True)
    (model.folder / "table.json").write_text('{"id": "cut o')
    (model.folder / "end.json").write_text("{}")
    assert [model.report("table"), model.report("epsilons"), model.policy("end")] == [None] * 3


def test_a_table_of_nothing_shows_the_papers_numbers_and_what_is_missing(tmp_path: Path) -> None:
    table = make_table(Study(methods=("standard", "atpa")), tmp_path)
    boxing = table.split("###")[1].splitlines()
    assert boxing[0] == " BoxingNoFrameskip-v4, epsilon 4"
    assert boxing[2] == "Planned: 5 runs of 100,000,000 steps, 2,500 episodes a cell."
    assert "| ce | missing | −5.65 | missing | 97.63 |" in boxing
    assert "| none | missing | 99.44 | missing | 98.23 |" in boxing
    assert table.count("missing") == 3 * 2 * 7


def test_the_papers_table_is_as_it_was_printed() -> None:
    """Sums of its columns, worked out from the print."""
    sums = [
        round(sum(row[column] for rows in paper.TABLE_1.values() for row in rows.values()), 2) for column in range(5)
    ]
    assert sums == [19235.08, 19856.56, 20042.85, 27434.85, 27422.08]
