"""What one round asks for: quick games with shards of a second or two, a real one, and a training."""

from pathlib import Path
from typing import Any

from tests.chaos.stories import Story, cancel, evaluate, evaluate_twice, extend, train, upload_first, upload_many
from tests.stack.policies import balancing_cartpole, random_boxer
from tests.trainer.cartpole import cartpole_spec

CARTPOLE, BOXING = "CartPole-v1", "BoxingNoFrameskip-v4"


def _cartpole(first_seed: int, seeds: int = 12, **more: Any) -> dict[str, Any]:
    return {
        "env": CARTPOLE,
        "epsilon": 0.3,
        "seeds": list(range(first_seed, first_seed + seeds)),
        "episodes_per_seed": 5,
        "attacks": ["none", "random", "ce"],
        "max_episode_steps": 100,
    } | more


_BOXING = {"env": BOXING, "seeds": [1, 2], "episodes_per_seed": 1, "attacks": ["none", "ce"], "max_episode_steps": 6}

LONG = Story("long", evaluate, {**_BOXING, "max_episode_steps": 25})
"""Shards that last for seconds, so that two may play the same one."""
QUICK = (
    Story("boxing", evaluate, _BOXING),
    Story("uploads", upload_many, {"env": CARTPOLE, "names": 20}),
    Story("twice", evaluate_twice, _cartpole(0)),
    Story("trained", train, cartpole_spec(150 * 256).model_dump(mode="json")),
    Story("extended", extend, _cartpole(100, seeds=6)),
    Story("canceled", cancel, _cartpole(200)),
    Story("uploaded", upload_first, _cartpole(300, attacks=["none", "max", "min"])),
)
BATCH = (
    *QUICK,
    Story("canceled boxing", cancel, {**_BOXING, "seeds": [3, 4]}),
    Story("wide", evaluate, _cartpole(400, seeds=20, epsilon=[0.1, 0.2])),
    Story("trained again", train, {**cartpole_spec(100 * 256).model_dump(mode="json"), "seed": 1}),
    Story("extended again", extend, _cartpole(600, seeds=6, epsilon=0.5)),
)


def make_policies(folder: Path) -> dict[str, Path]:
    """The file for each environment."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        CARTPOLE: balancing_cartpole(folder / "cartpole.onnx"),
        BOXING: random_boxer(folder / "boxing.safetensors"),
    }
