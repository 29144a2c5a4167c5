"""The training methods: each a small file with only what differs from `standard`."""

from trainer.methods.atpa import Atpa
from trainer.methods.interface import Lesson, Method
from trainer.methods.standard import Standard

METHODS: dict[str, type[Method]] = {"standard": Standard, "atpa": Atpa}

__all__ = ["METHODS", "Lesson", "Method"]
