"""How much memory the process that plays takes: one runs on every core."""

import subprocess
import sys
from pathlib import Path

from tests.stack.policies import random_boxer

PLAY = """
import sys
from datetime import UTC, datetime
from pathlib import Path

from worker.__main__ import load_engine

load_engine()
from saddlepoint.envs.describe import describe
from saddlepoint.policies.importing import import_policy
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec
from saddlepoint.schemas.plans import make_plan
from saddlepoint.schemas.policies import PolicyHints
from worker.tasks import ENGINE

now = datetime.now(UTC)
weights = Path(sys.argv[1]).read_bytes()
policy = import_policy(weights, filename_hint=None, hints=PolicyHints(), policy_id="boxer", created_at=now)
spec = EvaluationSpec.model_validate(
    {
        "env": "BoxingNoFrameskip-v4",
        "seeds": 65,
        "episodes_per_seed": 1,
        "attacks": ["ce"],
        "action_mode": "sample",
        "precision": "bf16",  # which keeps the fp32 network beside the other
        "max_episode_steps": 3,
    }
)
record = EvaluationRecord(id="evaluation", owner="me", policy_id="boxer", spec=spec, created_at=now)
plan = make_plan(record, policy.card, describe(spec.env), default_precision="fp32")
shard = plan.shards[0].model_copy(update={"entries": plan.shards[0].entries[:32]})
assert shard.lanes == 32
results = []
ENGINE.play(plan, shard, policy.model, finished=lambda *_: False, put=results.append, heartbeat=lambda steps: None)
assert len(results) == 32
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
sys.stdout.write(peak.split()[1])
"""


def test_a_player_of_32_lanes_of_atari_stays_below_one_and_a_half_gigabytes(tmp_path: Path) -> None:
    weights = random_boxer(tmp_path / "boxer.safetensors")
    done = subprocess.run([sys.executable, "-c", PLAY, str(weights)], stdout=subprocess.PIPE, check=True, timeout=250)
    assert int(done.stdout) * 1024 < 1.5e9
