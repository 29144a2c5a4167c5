"""The clients of a Saddlepoint service, `verify_webhook` for receivers of it, and the `saddlepoint` command."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clients.asynchronous import AsyncAttackClient
    from clients.comparison import ComparisonReport
    from clients.gated import Gated
    from clients.groups import GroupsReport
    from clients.hardened import Hardened
    from clients.report import Report
    from clients.sync import AttackClient
    from clients.trained import TrainedReport
    from clients.webhooks import verify_webhook

__all__ = [
    "AsyncAttackClient",
    "AttackClient",
    "ComparisonReport",
    "Gated",
    "GroupsReport",
    "Hardened",
    "Report",
    "TrainedReport",
    "verify_webhook",
]

_HOMES = {
    "AsyncAttackClient": "clients.asynchronous",
    "AttackClient": "clients.sync",
    "ComparisonReport": "clients.comparison",
    "Gated": "clients.gated",
    "GroupsReport": "clients.groups",
    "Hardened": "clients.hardened",
    "Report": "clients.report",
    "TrainedReport": "clients.trained",
    "verify_webhook": "clients.webhooks",
}


def __getattr__(name: str) -> Any:
    """Loaded when first asked for: the command line's help needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
