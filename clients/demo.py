"""`make demo`: a stack of its own, the bundled Boxing policy, every attack on two full games each, the report."""

import shutil
import sys
import time
from pathlib import Path

from clients.background import running_stack
from clients.console import Console
from clients.premises import check_installed
from clients.sync import AttackClient
from saddlepoint.errors import InvalidRequest

ENVIRONMENT = "BoxingNoFrameskip-v4"
ZOO = Path(__file__).parent.parent / "trainer" / "zoo"
SEEDS = 2


def run_demo(out: Path, workers: int, console: Console) -> None:
    """Play the demo and leave report.json and report.html in `out`. Raises SaddlepointError."""
    check_installed()
    policy = bundled_policy()
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    data = out / "data"
    shutil.rmtree(data, ignore_errors=True)
    console.say(f"Starting Valkey, the service, {workers} workers and a trainer; logs in {data / 'logs'}")
    with running_stack(data, workers=workers) as stack, AttackClient(stack.url) as client:
        console.say(f"Ready at {stack.url} after {time.monotonic() - began:.1f} s")
        console.say(f"POST {stack.url}/evaluate: {policy.name} in {ENVIRONMENT}, 5 attacks, {SEEDS} full games each")
        evaluation = client.evaluate(policy, env=ENVIRONMENT, seeds=SEEDS, episodes_per_seed=1)
        report = client.report(client.wait(evaluation))
        report.save(out)
    console.data(report, f"\n{report.table(console.width)}\n")
    console.say(f"{time.monotonic() - began:.0f} s in all. Open {out / 'report.html'}")


def bundled_policy() -> Path:
    """The Boxing policy that comes with the trainer. Raises InvalidRequest where this install has none."""
    policy = ZOO / f"{ENVIRONMENT}-standard.safetensors"
    if not policy.is_file():
        raise InvalidRequest(f"The demo needs the bundled policy {policy}; install Saddlepoint as a whole.")
    return policy


def main() -> int:
    """`python -m clients.demo`."""
    from clients.cli import main as run

    return run(["demo", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
