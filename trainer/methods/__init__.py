"""The training methods: each a small file with only what differs from `standard`."""

from trainer.methods.atpa import Atpa
from trainer.methods.dataaugment import DataAugment
from trainer.methods.interface import Lesson, Method
from trainer.methods.radial import Radial
from trainer.methods.sa_ppo import SaPpo
from trainer.methods.stagewise import Stagewise
from trainer.methods.standard import Standard

METHODS: dict[str, type[Method]] = {
    "standard": Standard,
    "atpa": Atpa,
    "stagewise": Stagewise,
    "dataaugment": DataAugment,
    "sa_ppo": SaPpo,
    "radial": Radial,
}

__all__ = ["METHODS", "Lesson", "Method"]
