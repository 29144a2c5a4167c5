"""PPO as it is: the clean policy acts, and learns from clean states."""

from trainer.methods.interface import Method


class Standard(Method):
    """Nothing differs."""
