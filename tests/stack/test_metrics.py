"""What a real stack tells Prometheus of an evaluation, from every process that had a part in it."""

from pathlib import Path

import httpx

from clients import AttackClient
from clients.background import RunningStack
from tests.processes import wait_until
from tests.service.test_metrics import samples

STEPS = 3


def told(stack: RunningStack) -> dict[tuple[str, ...], float]:
    return samples(httpx.get(f"{stack.url}/metrics", trust_env=False).text)


def test_what_workers_did_and_what_is_open_is_told(
    stack: RunningStack, client: AttackClient, policies: dict[str, Path]
) -> None:
    before = told(stack)
    report = client.robustness_report(
        policies["CartPole-v1"],
        env="CartPole-v1",
        epsilon=0.07,
        steps=STEPS,
        seeds=2,
        episodes_per_seed=1,
        attacks=["none", "margin"],
        max_episode_steps=40,
        progress=False,
    )
    (attacked,) = [cell for cell in report.cells if cell.attack == "margin"]
    name = ("saddlepoint_attack_steps_total", "margin")
    after = told(stack)
    assert after[name] - before.get(name, 0.0) == STEPS * sum(attacked.lengths)
    assert after["saddlepoint_worker_store_seconds_count", "put", "done"] > 0
    wait_until(
        lambda: ("saddlepoint_open_counted_seconds",) in told(stack), within_s=30, what="a look of the reconciler"
    )
    assert told(stack)["saddlepoint_open_counted_seconds",] < 60
