"""A training from its specification."""

from dataclasses import dataclass

import torch

from saddlepoint.policies import ImportedPolicy
from saddlepoint.schemas.trainings import TrainingSpec, check_trainable, resolve_config
from trainer.adversary import Adversary
from trainer.distributions import distribution_of
from trainer.environments import make_training_environment
from trainer.games import Games
from trainer.methods import METHODS
from trainer.network import Precision, initialize, make_network
from trainer.parent import inherit
from trainer.processes import ALONE, Processes
from trainer.training import Training


@dataclass(frozen=True)
class Machine:
    """What a training runs on; `threads` step the emulators, the rest changes its last bits."""

    device: str = "cpu"
    precision: Precision = "bf16"
    """Where the specification leaves it open."""
    threads: int = 1
    processes: Processes = ALONE


def build_training(
    spec: TrainingSpec, machine: Machine | None = None, *, parent: ImportedPolicy | None = None
) -> Training:
    """The training before its first update; its games are not started. `parent` is a policy to start from.

    One seed decides all: the generator of weights, actions and minibatches starts from it, and the games' seeds are
    hashes of it. Raises UnknownEnvironment, UnsupportedEnvironment, InvalidSpec, for the parent and for what the
    method cannot train UnsupportedArchitecture, and for the parent ObservationMismatch and ActionMismatch.
    """
    machine = machine or Machine()
    given = resolve_config(spec)
    config = given.model_copy(update={"precision": given.precision or machine.precision})
    lanes = machine.processes.lanes(config.actors)
    environment = make_training_environment(spec.env, lanes.count, threads=machine.threads)
    description = environment.description
    check_trainable(spec, description)
    generator = torch.Generator().manual_seed(spec.seed)
    if parent is None:
        network = make_network(description)
        initialize(network, generator, config.value_gain)
    else:
        network = inherit(parent, description, generator, config.value_gain)
    network.precision = config.precision or machine.precision
    squash = parent is not None and parent.card.squash == "tanh"
    distribution = distribution_of(description.action, machine.device, squash=squash)
    method = METHODS[spec.method]()
    method.check(network, distribution)
    clip_rewards = spec.env.is_atari if config.clip_rewards is None else config.clip_rewards
    network.to(machine.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Training(
        config=config,
        method=method,
        network=network,
        distribution=distribution,
        adversary=Adversary.of(
            config, description.observation, network, distribution, begins=method.begins, device=machine.device
        ),
        optimizer=torch.optim.Adam(network.parameters(), lr=config.learning_rate, eps=config.adam_epsilon, fused=True),
        generator=generator,
        games=Games(environment, config.actors, spec.seed, machine.processes),
        clip_rewards=clip_rewards,
        processes=machine.processes,
        parent=parent.card if parent else None,
    )
