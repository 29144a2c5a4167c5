"""A trained network as a policy that anybody can evaluate, with where it comes from."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version

from saddlepoint.policies import ImportedPolicy, canonical_policy, import_policy
from saddlepoint.policies.found import Found
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import Lineage, PolicyCard, PolicyHints, policy_id
from saddlepoint.schemas.trainings import TrainingSpec
from saddlepoint.store import Store, get_record, put_record
from trainer.graph_network import GraphNetwork
from trainer.training import Training
from trainer.weights import to_published

_PACKAGES = ("saddlepoint", "torch", "numpy", "gymnasium", "ale-py")


@dataclass(frozen=True)
class PublishedPolicy:
    """A policy in the three forms that the store keeps."""

    weights: bytes
    """Safetensors, `trainer.weights`."""
    model: bytes
    """Canonical ONNX."""
    card: PolicyCard


def make_policy(
    training: Training, spec: TrainingSpec, *, owner: str, name: str | None, training_id: str | None = None
) -> PublishedPolicy:
    """The policy as it is now. Raises PolicyRejected where it cannot be used, such as NonFiniteWeights."""
    weights = to_published(training.network)
    if isinstance(training.network, GraphNetwork) and training.parent is not None:
        imported = _of_graph(training.network, training.parent, owner, name)
    else:
        imported = import_own(weights, owner, PolicyHints(name=name))
    lineage = Lineage(
        parent=spec.policy_id,
        method=spec.method,
        env=spec.env,
        config=training.config.model_dump(mode="json"),
        steps=training.steps,
        seed=spec.seed,
        training_id=training_id,
        versions=versions(),
    )
    return PublishedPolicy(weights, imported.model, imported.card.model_copy(update={"lineage": lineage}))


def _of_graph(network: GraphNetwork, parent: PolicyCard, owner: str, name: str | None) -> ImportedPolicy:
    """With what the parent's card says of the file and the graph cannot."""
    found = Found(
        network.graph(),
        "onnx",
        parent.architecture,
        [f"the graph of policy {parent.id}, {len(list(network.parameters()))} tensors of it trained"],
        observation_space=parent.observation_space,
        action_space=parent.action_space,
        squash=parent.squash,
        fixed_deviation=parent.fixed_deviation,
    )
    policy = canonical_policy(found, name=name, owner=owner, created_at=datetime.now(UTC))
    return replace(policy, card=policy.card.model_copy(update={"observation_std": parent.observation_std}))


def import_own(data: bytes, owner: str, hints: PolicyHints, *, filename: str | None = None) -> ImportedPolicy:
    """A file that is trusted, imported in this process and without limits. Raises PolicyRejected."""
    identity = policy_id(owner, hashlib.sha256(data).hexdigest(), hints)
    return import_policy(data, filename_hint=filename, hints=hints, policy_id=identity, created_at=datetime.now(UTC))


def publish(store: Store, owner: str, policy: PublishedPolicy) -> str:
    """Put the policy into the store and return its id. Repeating it, or publishing the same weights, is harmless."""
    identity = policy.card.id
    store.put(keys.policy_weights(identity), policy.weights)
    store.put(keys.policy_model(identity), policy.model)
    put_record(store, keys.policy_card(identity), policy.card)
    stored = get_record(store, keys.policy_card(identity), PolicyCard)
    store.put(keys.policy_index(owner, stored.created_at, identity), b"")
    return identity


def versions() -> dict[str, str]:
    """Of what a training's numbers depend on."""
    return {package: version(package) for package in _PACKAGES}
