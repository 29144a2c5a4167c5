"""The critics of SAC, TQC, TD3 and DDPG of Stable-Baselines3 and sb3-contrib."""

import re

from saddlepoint.policies.action_values import action_value, if_it_fits
from saddlepoint.policies.architectures import sequential_of
from saddlepoint.policies.builder import Live
from saddlepoint.policies.sb3_features import Features
from saddlepoint.policies.sb3_source import Source

_NETWORK = re.compile(r"(qf\d+)\.\d+\.(weight|bias)")


def critic_of(source: Source, features: Features, actions: int, activation: str) -> dict[str, Live]:
    """`action_value` of actions in -1..1, which these critics take; nothing where the file holds none that fits."""
    found = {match[1] for name in source.critic if (match := _NETWORK.fullmatch(name))}

    def make() -> Live:
        networks = [(*hidden, last) for hidden, last in (sequential_of(source.critic, name) for name in sorted(found))]
        action = features.build.taken_action(actions)
        return action_value(features.build, features.critic, action, networks, activation)

    return if_it_fits(make, source.guesses) if found else {}
