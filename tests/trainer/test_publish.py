"""A trained network comes out as a policy that plays as it did."""

import torch

from saddlepoint.policies import load_network
from tests.trainer.steering import steering_spec
from trainer.build import build_training
from trainer.measure import measure
from trainer.ppo import start, train
from trainer.publish import make_policy


def test_a_gaussian_is_published_with_its_deviation_and_plays(steering_id: str) -> None:
    spec = steering_spec(2048, env=steering_id)
    training = build_training(spec)
    start(training)
    (*_, last) = train(training)
    policy = make_policy(training, spec, owner="anna", name=None)
    assert (policy.card.head, policy.card.actions, policy.card.squash) == ("gaussian", 2, "none")
    assert policy.card.fixed_deviation
    assert [output.name for output in policy.card.outputs] == ["mean", "log_std", "value"]
    observation = torch.rand(5, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        head, value = training.network(training.network.encode(observation))
        published = load_network(policy.model)(observation)
    torch.testing.assert_close(published.head, head, atol=1e-5, rtol=0)
    torch.testing.assert_close(published.value, value, atol=1e-5, rtol=0)
    report = measure(policy.model, policy.card, spec.env, episodes=5)
    assert last.mean_return is not None
    assert report.cells[0].mean > last.mean_return
