"""Trains policies with PPO, hardens them, and publishes them."""
