"""Environments as lanes that play seeded episodes, and one place for Atari preprocessing."""
