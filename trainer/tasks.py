"""The function that the queue `train` names. Importing this loads the engine, which a trainer does before it forks."""

import torch

from saddlepoint.machine import cores
from saddlepoint.queue import JobQueue
from saddlepoint.settings import Settings
from saddlepoint.store_tally import tallied_store
from trainer.build import Machine
from trainer.job import run_job


def run_training(training_id: str) -> None:
    """Train, and publish the policy."""
    settings = Settings.from_environment()
    torch.set_num_threads(settings.trainer_threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # Emulators are stepped on every core: that changes no number, and the network waits for them.
    machine = Machine(device=device, precision=settings.default_precision, threads=cores())
    queue = JobQueue.open(settings.redis_url)
    with tallied_store(settings.store_url, queue) as store:
        run_job(store, queue, training_id, machine)
