"""Event files as TensorBoard reads them."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.trainings import TrainingRecord
from saddlepoint.store import Store, get_record
from tests.trainer.cartpole import any_method, cartpole_spec
from tests.trainer.event_reader import read_events
from tests.trainer.jobs import ID, UPDATES, run, submit
from tests.trainer.test_job import Killed, killed_at
from trainer import curve
from trainer.build import Machine
from trainer.event_file import beginning, crc32c, scalars
from trainer.run import CURVE, EVENTS, train_in_folder
from trainer.stored import curve_point
from trainer.tensorboard import events_of

RETURN = "mean return, acting on clean observations"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("data", "checksum"),
    [(bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E), (b"123456789", 0xE3069283)],
)
def test_checksums_are_those_of_rfc_3720(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


def test_a_record_byte_by_byte() -> None:
    """By hand: wall time 1.5, step 300 (two bytes as a varint), value `a` = 0.5."""
    message = (
        b"\x09" + struct.pack("<d", 1.5)  # field 1, 64 bits
        + b"\x10\xac\x02"  # field 2, varint: 300 = 0b10_0101100
        + b"\x2a\x0a"  # field 5, 10 bytes
        + b"\x0a\x08"  # field 1 of it, 8 bytes
        + b"\x0a\x01a"  # field 1 of that, 1 byte
        + b"\x15\x00\x00\x00\x3f"  # field 2 of that, 32 bits: 0.5
    )  # fmt: skip
    record = scalars(1.5, 300, {"a": 0.5})
    assert record[:8] == (24).to_bytes(8, "little")
    assert record[12:-4] == message


def test_a_file_begins_with_its_version_and_is_read_by_protocol_buffers() -> None:
    first, second = read_events(beginning(2.0) + scalars(3.0, 2**40, {"a": 0.25, "ü": -1.0}))
    assert (first.wall_time, first.file_version, first.values) == (2.0, "brain.Event:2", {})
    assert (second.wall_time, second.step, second.values) == (3.0, 2**40, {"a": 0.25, "ü": -1.0})


def test_a_flipped_bit_is_noticed() -> None:
    data = bytearray(beginning(2.0))
    data[15] ^= 1
    with pytest.raises(AssertionError):
        read_events(bytes(data))


def record_of(update: int, mean_return: float | None) -> curve.UpdateRecord:
    numbers = dict.fromkeys(curve.UpdateRecord.__dataclass_fields__, 0.5)
    whole = curve.UpdateRecord(**numbers)  # type: ignore[arg-type]
    return replace(
        whole, update=update, steps=100 * update, games=update, mean_return=mean_return, steps_per_second=50.0
    )


def test_a_curve_says_what_acted_and_runs_by_the_speed_of_the_training() -> None:
    points = [curve_point(record_of(1, None)), curve_point(record_of(3, 7.0))]
    _, first, second = read_events(events_of(points, "atpa", 1000.0))
    assert (first.step, first.wall_time, second.step, second.wall_time) == (100, 1002.0, 300, 1006.0)
    assert second.values["mean return, acting on attacked observations"] == 7.0
    assert first.values.keys() == second.values.keys() - {"mean return, acting on attacked observations"}
    assert second.values["entropy"] == 0.5


def test_numbers_that_a_diverging_training_has_lost_are_left_out() -> None:
    lost = curve_point(replace(record_of(1, 2.0), entropy=float("nan"), value_loss=float("inf")))
    assert {"entropy", "value_loss"}.isdisjoint(lost.extra)
    _, event = read_events(events_of([lost], "standard", 0.0))
    assert (event.values[RETURN], event.values["policy_loss"]) == (2.0, 0.5)


def single(value: float | None) -> float | None:
    """As a float of 32 bits."""
    return None if value is None else float(np.float32(value))


def curve_in(data: bytes) -> list[tuple[int, float | None]]:
    version, *events = read_events(data)
    assert version.file_version == "brain.Event:2"
    assert [event.wall_time for event in events] == sorted(event.wall_time for event in events)
    return [(event.step, event.values.get(RETURN)) for event in events]


def test_a_run_leaves_its_curve_and_a_resumed_one_no_point_twice(tmp_path: Path) -> None:
    spec = cartpole_spec(UPDATES * 256)
    train_in_folder(spec, tmp_path, Machine())
    events = tmp_path / EVENTS
    expected = [(record.steps, single(record.mean_return)) for record in curve.read(tmp_path / CURVE)]
    assert curve_in(events.read_bytes()) == expected
    assert len(expected) == UPDATES
    events.write_bytes(events.read_bytes() + scalars(0.0, UPDATES * 256, {"entropy": 1.0})[:-7])  # a kill on the way
    train_in_folder(spec, tmp_path, Machine())
    assert curve_in(events.read_bytes()) == expected


def test_a_job_keeps_one_file_with_every_point_once(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(store)
    with monkeypatch.context() as patch:
        killed_at(4, patch, Killed)
        with pytest.raises(Killed):
            run(store, queue)
    (halfway,) = store.list(keys.training_event_files(ID))
    assert [step for step, _ in curve_in(store.get(halfway))] == [256, 512, 768, 1024]
    training = run(store, queue)
    (whole,) = store.list(keys.training_event_files(ID))
    assert whole.endswith(f"events.out.tfevents.{UPDATES:08d}.001")
    points = training.progress.curve
    assert curve_in(store.get(whole)) == [(point.steps, single(point.mean_return)) for point in points]
    created_at = get_record(store, keys.training_spec(ID), TrainingRecord).created_at
    assert store.get(whole) == events_of(points, "standard", created_at.timestamp())


def test_the_curve_of_a_job_under_attack_says_so(store: Store, queue: JobQueue) -> None:
    submit(store, any_method("atpa", 2 * 256))
    run(store, queue)
    (key,) = store.list(keys.training_event_files(ID))
    assert "mean return, acting on attacked observations" in read_events(store.get(key))[-1].values
