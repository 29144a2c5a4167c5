"""Uploaded bytes to a canonical policy, and a canonical policy to a differentiable network."""

from saddlepoint.policies.agreement import check_rows, disagreement
from saddlepoint.policies.importing import ImportedPolicy, canonical_model, canonical_policy, import_policy
from saddlepoint.policies.network import Outputs, PolicyNetwork, Precision, load_network

__all__ = [
    "ImportedPolicy",
    "Outputs",
    "PolicyNetwork",
    "Precision",
    "canonical_model",
    "canonical_policy",
    "check_rows",
    "disagreement",
    "import_policy",
    "load_network",
]
