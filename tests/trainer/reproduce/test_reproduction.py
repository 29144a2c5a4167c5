"""A whole study on CartPole: in one go, killed on the way, and by two processes."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from tests.processes import kill, running, wait_until
from trainer.methods import METHODS
from trainer.reproduce.__main__ import main
from trainer.reproduce.claims import claimed
from trainer.reproduce.models import Model, models
from trainer.reproduce.study import Study

GAME, TWO = "CartPole-v1", ("standard", "atpa")
OPTIONS = [
    *("--games", GAME, "--methods", *TWO, "--seeds", "1", "--steps", "128", "--epsilon", "0.2"),
    *("--environment-seeds", "1", "--episodes", "2", "--sweep", "2", "--states", "8", "--starts", "2"),
    *(word for field in ("actors=4", "horizon=16", "minibatch=64", "attack_steps=1") for word in ("--set", field)),
]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert main(["--out", str(folder), *OPTIONS]) == 0
    return folder


def outcome(folder: Path) -> dict[str, bytes]:
    """Everything that the study comes to; the landscape's page has the moment in it at which it was made."""
    files = [folder / "table.md", *sorted((folder / "figures").iterdir())]
    return {path.name: path.read_bytes() for path in files if path.suffix != ".html"}


def stored(folder: Path) -> dict[Path, int]:
    """What was made, and when."""
    kept = [path for path in folder.glob("models/**/*") if path.is_file() and path.name != "lock"]
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in kept}


def test_a_study_ends_in_a_table_without_gaps_and_all_six_figures(whole: Path) -> None:
    table = (whole / "table.md").read_text()
    assert "missing" not in table
    assert [line.count("|") for line in table.splitlines() if line.startswith("| ce")] == [2 + 2 * len(TWO)] * 2
    names = sorted(outcome(whole))
    assert [name for name in names if name.startswith("figure-1-")] == [
        f"figure-1-{GAME}-{method}.svg" for method in sorted(TWO)
    ]
    for number in (2, 3, 4):
        root = ElementTree.fromstring((whole / "figures" / f"figure-{number}-{GAME}.svg").read_bytes())
        assert root.tag.endswith("svg")
    assert (whole / "figures" / f"figures-4-and-5-{GAME}.html").exists()
    assert (whole / "figures" / f"figure-6-{GAME}-atpa.png").read_bytes().startswith(b"\x89PNG")
    assert "ATPA reproduced" in (whole / "index.html").read_text()


def test_the_curves_say_what_acted(whole: Path) -> None:
    drawing = (whole / "figures" / f"figure-2-{GAME}.svg").read_text()
    assert "standard: acts on clean observations" in drawing
    assert "atpa: acts on attacked observations" in drawing


def test_the_table_alone_only_reads(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = stored(whole)
    assert main(["--out", str(whole), "--table"]) == 0
    assert capsys.readouterr().out == (whole / "table.md").read_text()
    assert stored(whole) == before


def test_what_is_there_is_not_made_again_and_what_is_damaged_is(whole: Path) -> None:
    before, expected = stored(whole), outcome(whole)
    report = Model(whole, GAME, "atpa", 0).folder / "table.json"
    report.write_bytes(report.read_bytes()[:-100])
    assert main(["--out", str(whole), *OPTIONS]) == 0
    after = stored(whole)
    assert [path for path in before if before[path] != after[path]] == [report.relative_to(whole)]
    assert outcome(whole) == expected


def test_a_killed_study_goes_on_and_comes_to_the_same(whole: Path, tmp_path: Path) -> None:
    first = Model(tmp_path, GAME, "standard", 0).folder / "table.json"
    with running("-m", "trainer.reproduce", "--out", str(tmp_path), *OPTIONS) as process:
        wait_until(first.exists, within_s=120, what="a first report")
        assert kill(process.pid)
    assert not (tmp_path / "table.md").exists()
    made = first.stat().st_mtime_ns
    assert main(["--out", str(tmp_path), *OPTIONS]) == 0
    assert first.stat().st_mtime_ns == made
    assert outcome(tmp_path) == outcome(whole)


def test_two_shards_come_to_the_same(whole: Path, tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), *OPTIONS, "--shard", "1/2"]) == 0
    halfway = (tmp_path / "table.md").read_text()
    assert "missing" in halfway
    assert halfway != (whole / "table.md").read_text()
    assert main(["--out", str(tmp_path), "--shard", "2/2"]) == 0
    assert outcome(tmp_path) == outcome(whole)


def test_a_model_that_another_process_has_is_left_to_it(whole: Path, tmp_path: Path) -> None:
    study = Study.model_validate_json((whole / "study.json").read_bytes())
    everything = list(models(study, tmp_path))
    (tmp_path / "study.json").write_bytes((whole / "study.json").read_bytes())
    with claimed(everything[0].folder), claimed(everything[1].folder):
        assert main(["--out", str(tmp_path), "--shard", f"1/{len(everything)}"]) == 0
    assert stored(tmp_path) == {}


def test_a_model_that_fails_leaves_the_others_alone(whole: Path, tmp_path: Path) -> None:
    """Here by a checkpoint of another training in its folder."""
    broken, good = (Model(tmp_path, GAME, method, 0) for method in TWO)
    broken.training.mkdir(parents=True)
    foreign = Model(whole, GAME, "atpa", 0).training / "checkpoint.safetensors"
    (broken.training / foreign.name).write_bytes(foreign.read_bytes())
    assert main(["--out", str(tmp_path), *OPTIONS]) == 1
    assert broken.report("table") is None
    assert good.report("table") is not None


@pytest.mark.parametrize("method", sorted(METHODS.keys() - set(TWO)))
def test_any_other_method_is_reproduced_likewise(tmp_path: Path, method: str) -> None:
    assert main(["--out", str(tmp_path), *OPTIONS, "--methods", method]) == 0
    assert "missing" not in (tmp_path / "table.md").read_text()
