"""What a trainer's process is set to before it trains."""

from contextlib import nullcontext

import pytest
import torch

from saddlepoint.machine import cores
from saddlepoint.queue import JobQueue
from trainer import tasks
from trainer.build import Machine


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_has_the_threads_of_the_setting_and_emulators_every_core(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    seen: list[tuple[int, int]] = []

    def run_job(store: object, queue: object, training_id: str, machine: Machine) -> None:
        seen.append((torch.get_num_threads(), machine.threads))

    before = torch.get_num_threads()
    monkeypatch.setenv("SADDLEPOINT_TRAINER_THREADS", str(threads))
    monkeypatch.setattr(JobQueue, "open", lambda url: None)
    monkeypatch.setattr(tasks, "tallied_store", lambda url, queue: nullcontext())
    monkeypatch.setattr(tasks, "run_job", run_job)
    try:
        tasks.run_training("training")
    finally:
        torch.set_num_threads(before)
    assert seen == [(threads, cores())]
