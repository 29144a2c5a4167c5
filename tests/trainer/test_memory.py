"""What a trainer process needs at the sizes of the ATPA paper's Table 2."""

import os
import subprocess
import sys

import pytest

LIMIT_MB = 2000
PROGRAM = """
import resource, sys, torch
torch.set_num_threads(1)
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.trainings import TrainingSpec
from trainer import checkpoint
from trainer.build import Machine, build_training
from trainer.ppo import start, train

spec = TrainingSpec(
    method=sys.argv[1], env=EnvironmentSpec(id="BoxingNoFrameskip-v4"), config={"steps": 2 * 2048}, seed=0
)
training = build_training(spec, Machine(precision=sys.argv[2]))
start(training)
assert [record.steps for record in train(training)] == [2048, 4096]
checkpoint.to_bytes(training, spec)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("method", ["standard", "atpa"])
def test_a_trainer_fits_in_two_gigabytes(method: str, precision: str) -> None:
    program = [sys.executable, "-c", PROGRAM, method, precision]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(program, check=True, capture_output=True, text=True, env=environment, timeout=280)
    assert 200 < int(done.stdout) < LIMIT_MB
