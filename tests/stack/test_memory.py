"""How much memory the service takes, however many evaluations the machine does."""

from pathlib import Path

from clients import AttackClient
from clients.background import RunningStack
from tests.stack.processes import running


def test_the_service_stays_below_200_megabytes(
    stack: RunningStack, client: AttackClient, policies: dict[str, Path]
) -> None:
    client.robustness_report(
        policies["CartPole-v1"], env="CartPole-v1", epsilon=0.1, seeds=1, episodes_per_seed=1, progress=False
    )
    assert running(stack, "service").memory_info().rss < 200e6
