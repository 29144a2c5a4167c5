"""The training methods: each a small file with only what differs from `standard`."""

from trainer.methods.interface import Method
from trainer.methods.standard import Standard

METHODS: dict[str, type[Method]] = {"standard": Standard}

__all__ = ["METHODS", "Method"]
