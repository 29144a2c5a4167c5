import json
from dataclasses import replace

import pytest
import redis
import torch

from saddlepoint.attacks.objectives import ce_loss
from saddlepoint.attacks.pgd import perturb
from saddlepoint.attacks.rows import uniform_rows
from saddlepoint.policies.network import load_network
from saddlepoint.schemas.attacks import AttackKind
from tests.benchmarks.attacks import ATTACK, PIXELS
from tests.benchmarks.health import Stopwatch
from tests.benchmarks.many import QUEUE, Load, growth, queued
from tests.benchmarks.measuring import Figure, compare_rates, table
from tests.benchmarks.stack import rate
from tests.benchmarks.textbook import TextbookPolicy, textbook_pgd
from tests.benchmarks.textbook_ppo import ACTORS, DISCOUNT, GAE_LAMBDA, HORIZON, textbook_advantages
from tests.evaluation.networks import balancing_mlp, nature_model, nature_weights
from trainer.advantages import advantages

FIGURE = Figure(name="name", value=4.0, unit="rows/s", baseline=2.0, ratio=2.0, goal=1.5)


def test_a_ratio_is_the_median_of_neighbouring_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours takes 1, 2, 3 s, the baseline 3, 4, 15 s: one disturbed pair does not decide."""
    ticks = [0.0]
    durations = iter([0, 0, 1, 3, 2, 4, 3, 15])
    monkeypatch.setattr("time.perf_counter", lambda: ticks[0])

    def work() -> None:
        ticks[0] += next(durations)

    figure = compare_rates("name", work, work, count=8, unit="rows/s", repeats=3)
    assert (figure.value, figure.baseline, figure.ratio) == (8 / 2, 8 / 4, 3.0)


def test_amounts_of_work_may_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight rows in 2 s against one in 1 s."""
    ticks = [0.0]
    durations = iter([0, 0, 2, 1])
    monkeypatch.setattr("time.perf_counter", lambda: ticks[0])

    def work() -> None:
        ticks[0] += next(durations)

    figure = compare_rates("name", work, work, count=8, baseline_count=1, unit="rows/s", repeats=1)
    assert (figure.value, figure.baseline, figure.ratio) == (4.0, 1.0, 4.0)


def test_a_stopwatch_adds_up_the_processor_time_of_what_it_is_put_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of 2 and 3 s, the second of which fails; what lies between them does not count."""
    ticks = iter([10.0, 12.0, 20.0, 23.0])
    monkeypatch.setattr("time.process_time", lambda: next(ticks))
    watch = Stopwatch()
    assert watch.around(lambda x: x + 1)(4) == 5
    with pytest.raises(ZeroDivisionError):
        watch.around(lambda: 1 / 0)()
    assert watch.seconds == 5.0


def test_the_table_and_the_file_hold_the_same_figures() -> None:
    assert json.loads(json.dumps(FIGURE.as_json())) == {
        "name": "name",
        "value": 4.0,
        "unit": "rows/s",
        "baseline": 2.0,
        "ratio": 2.0,
        "goal": 1.5,
        "at_most": False,
    }
    text = table(
        [FIGURE, replace(FIGURE, goal=None), replace(FIGURE, ratio=0.004, goal=0.02, at_most=True)]
    ).splitlines()
    assert text[1].split() == ["name", "4.0", "2.0", "rows/s", "2.00", "1.5"]
    assert text[2].split() == ["name", "4.0", "2.0", "rows/s", "2.00"]
    assert text[3].split() == ["name", "4.0", "2.0", "rows/s", "0.004", "<0.02"]


@pytest.mark.parametrize(
    ("ratio", "at_most", "missed"), [(1.4, False, True), (1.6, False, False), (1.4, True, False), (1.6, True, True)]
)
def test_a_goal_is_the_least_or_the_most(ratio: float, at_most: bool, missed: bool) -> None:
    assert replace(FIGURE, ratio=ratio, at_most=at_most).is_missed is missed


def test_nothing_is_missed_without_a_goal() -> None:
    assert not replace(FIGURE, goal=None).is_missed


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_fast_attack_is_as_strong_as_the_textbook_one(precision: str) -> None:
    generator = torch.Generator().manual_seed(0)
    weights = nature_weights(18, generator)
    observation = torch.randint(0, 256, (16, 4, 84, 84), generator=generator).float()
    network, textbook = load_network(nature_model(weights)), TextbookPolicy(weights)
    attacked = load_network(nature_model(weights), precision="bf16") if precision == "bf16" else network
    noise = torch.rand(observation.shape, generator=generator)
    ours = perturb(network, observation, uniform_rows(ATTACK, 16), noise, PIXELS, attack_network=attacked)
    torch.manual_seed(0)
    theirs = textbook_pgd(textbook, observation, ATTACK.epsilon, ATTACK.steps, ATTACK.step_size)
    with torch.no_grad():
        rise = (ce_loss(textbook(theirs), textbook(observation)) - ours.clean_loss).mean().item()
    assert rise > 0.3
    assert (ours.loss - ours.clean_loss).mean().item() == pytest.approx(rise, rel=0.03)


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
def test_foolbox_makes_the_same_attack() -> None:
    from tests.benchmarks.foolbox_pgd import foolbox_pgd

    generator = torch.Generator().manual_seed(0)
    policy = TextbookPolicy(nature_weights(18, generator))
    observation = torch.randint(0, 256, (16, 4, 84, 84), generator=generator).float()
    torch.manual_seed(0)
    theirs = foolbox_pgd(policy, observation, ATTACK)
    ours = textbook_pgd(policy, observation, ATTACK.epsilon, ATTACK.steps, ATTACK.step_size)
    with torch.no_grad():
        clean = policy(observation)
        expected, found = (ce_loss(policy(x), clean).mean().item() for x in (ours, theirs))
    assert (theirs - observation).abs().max().item() == pytest.approx(ATTACK.epsilon, abs=1e-4)
    assert found == pytest.approx(expected, rel=0.03)


def test_the_policy_of_the_engines_benchmark_survives_it() -> None:
    policy = load_network(balancing_mlp())
    falling = torch.tensor([[0.0, 0.0, 0.1, 0.0], [0.0, 0.0, -0.1, 0.0]])
    assert policy(falling).logits.argmax(dim=1).tolist() == [1, 0]


def test_the_rate_of_an_evaluation_is_that_after_its_warm_up() -> None:
    """Nothing for 20 s, 1 step a second while it warms up, then 10."""
    samples = [(0.0, 0), (20.0, 4), (25.0, 9), (30.0, 14), (35.0, 64), (50.0, 214)]
    assert rate(samples) == 10.0


@pytest.mark.parametrize("kind", ["ce", "max", "min"])
def test_gradients_of_lower_precision_lose_less_than_a_hundredth_of_the_loss(kind: AttackKind) -> None:
    generator = torch.Generator().manual_seed(0)
    model = nature_model(nature_weights(18, generator))
    observation = torch.randint(0, 256, (64, 4, 84, 84), generator=generator).float()
    noise, rows = (
        torch.rand(observation.shape, generator=generator),
        uniform_rows(ATTACK.model_copy(update={"kind": kind}), 64),
    )
    network = load_network(model)
    expected, found = (
        perturb(network, observation, rows, noise, PIXELS, attack_network=attacked).loss.mean().item()
        for attacked in (network, load_network(model, precision="bf16"))
    )
    assert found == pytest.approx(expected, rel=0.01)


def test_the_textbook_trainer_estimates_the_same_advantages() -> None:
    """Its `dones` say of a step that the one before ended its episode, ours that the step itself did."""
    generator = torch.Generator().manual_seed(0)
    rewards, values = torch.rand((2, HORIZON, ACTORS), generator=generator)
    dones = (torch.rand((HORIZON + 1, ACTORS), generator=generator) < 0.1).float()
    last_value = torch.rand(ACTORS, generator=generator)
    expected = advantages(rewards, values, dones[1:], last_value, DISCOUNT, GAE_LAMBDA)
    found = textbook_advantages(rewards, values, dones[:-1], last_value, dones[-1])
    assert torch.allclose(found, expected, atol=1e-5)


def test_what_grows_with_the_shards_is_the_ratio_of_many_to_few() -> None:
    few, many = Load(10, 50.0, 1.0, 2.0, 1000.0), Load(100, 40.0, 1.5, 20.0, 1300.0)
    assert growth("accepted_per_s", few, many) == Figure("many_accepted_per_s", 40.0, "shards/s", 50.0, 0.8, 0.5)
    assert growth("pass_ms", few, many) == Figure("many_pass_ms", 20.0, "ms", 2.0, 10.0, 15.0, at_most=True)
    assert growth("redis_bytes_per_shard", few, many).is_missed


def test_whole_evaluations_are_queued_until_so_many_shards_wait() -> None:
    with queued(30) as (url, load), redis.Redis.from_url(url) as client:
        assert load.shards == 48
        assert client.llen(QUEUE) == 48
        assert load.redis_bytes_per_shard > 0
