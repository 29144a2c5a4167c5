"""The command without a queue, and the zoo policy made of its folder."""

import json
from pathlib import Path

import pytest
import torch

from saddlepoint.errors import InvalidRequest
from tests.trainer.parents import parent
from trainer import curve, run
from trainer.curve import UpdateRecord
from trainer.export_zoo import export
from trainer.export_zoo import main as export_main

ARGUMENTS = [
    *("--env", "CartPole-v1", "--steps", "1024", "--seed", "3"),
    *("--set", "actors=4", "--set", "horizon=64", "--set", "minibatch=64"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run.main([*ARGUMENTS, "--out", str(folder)])
    return folder


def test_a_run_leaves_curve_and_checkpoints(folder: Path) -> None:
    assert [record.steps for record in curve.read(folder / run.CURVE)] == [256, 512, 768, 1024]
    assert (folder / run.CHECKPOINT).exists()
    assert (folder / run.MIDDLE).exists()


def test_a_finished_run_has_nothing_left_to_do(folder: Path) -> None:
    before = (folder / run.CHECKPOINT).read_bytes()
    run.main([*ARGUMENTS, "--out", str(folder)])
    assert (folder / run.CHECKPOINT).read_bytes() == before


def test_a_curve_is_cut_where_the_training_goes_on(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "curve"
    copy.write_bytes((folder / run.CURVE).read_bytes() + b'{"update": 5, "st')
    curve.cut(copy, 2)
    assert [record.update for record in curve.read(copy)] == [1, 2]


def test_a_zoo_policy_says_how_it_was_made(folder: Path, tmp_path: Path) -> None:
    path = export(folder, tmp_path, episodes=3)
    card = json.loads(path.with_suffix(".json").read_text())
    assert path.name == "CartPole-v1-standard.safetensors"
    assert card["lineage"]["steps"] == 1024
    assert card["measured"]["episodes"] == 3
    assert card["measured"]["mean"] == pytest.approx(sum(card["measured"]["returns"]) / 3)
    assert card["learning_curve"]["points"][-1]["steps"] == 1024
    assert card["learning_curve"]["label"].endswith("sampled actions on clean observations")
    assert "--seed 3 --steps 1024 --set actors=4" in card["command"]
    assert card["weights"] == "end of a run planned for 1,024 steps"


def test_a_zoo_policy_says_where_it_leaves_the_paper(folder: Path, tmp_path: Path) -> None:
    card = json.loads(export(folder, tmp_path, episodes=2).with_suffix(".json").read_text())
    assert card["differs_from_table_2"] == {
        "steps": {"table_2": 100_000_000, "used": 1024},
        "actors": {"table_2": 16, "used": 4},
        "horizon": {"table_2": 128, "used": 64},
        "minibatch": {"table_2": 512, "used": 64},
    }


def test_the_policy_half_way_can_be_exported_too(folder: Path, tmp_path: Path) -> None:
    export_main([str(folder), "--zoo", str(tmp_path), "--episodes", "2", "--checkpoint", run.MIDDLE])
    (card,) = tmp_path.glob("*.json")
    found = json.loads(card.read_text())
    assert found["lineage"]["steps"] == 512
    assert found["weights"] == "checkpoint at 512 of a run planned for 1,024 steps"


def test_a_run_hardens_the_policy_of_a_file(folder: Path, tmp_path: Path) -> None:
    parent = export(folder, tmp_path, episodes=2)
    child = tmp_path / "child"
    run.main([*ARGUMENTS, "--policy", str(parent), "--method", "atpa", "--set", "epsilon=0.1", "--out", str(child)])
    with pytest.raises(InvalidRequest, match="--policy"):
        export(child, tmp_path, episodes=2)
    card = json.loads(export(child, tmp_path, episodes=2, parent=parent).with_suffix(".json").read_text())
    assert card["name"] == "CartPole-v1-atpa"
    assert card["lineage"]["parent"] == run.read_policy(parent).card.id
    assert f"--policy {parent}" in card["command"]


def test_a_policy_that_was_trained_as_a_graph_is_exported_as_one(tmp_path: Path) -> None:
    start, child = tmp_path / "start.onnx", tmp_path / "child"
    start.write_bytes(parent("perceptron").model)
    run.main([*ARGUMENTS, "--policy", str(start), "--out", str(child)])
    path = export(child, tmp_path, episodes=2, parent=start)
    card = json.loads(path.with_suffix(".json").read_text())
    assert path.suffix == ".onnx"
    assert run.read_policy(path).card.sha256 == card["sha256"]


def test_a_record_comes_back_from_its_line() -> None:
    numbers = dict.fromkeys(UpdateRecord.__dataclass_fields__, 0.25) | {"mean_return": None}
    record = UpdateRecord(**numbers)  # type: ignore[arg-type]
    assert curve.from_lines(curve.to_lines([record])) == [record]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
