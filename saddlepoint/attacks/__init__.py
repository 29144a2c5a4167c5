"""Attacks on observations: one batched PGD loop, and the objectives it raises."""
