"""The client of a Saddlepoint service: `AttackClient`, `AsyncAttackClient` and the `saddlepoint` command."""

from clients.asynchronous import AsyncAttackClient
from clients.comparison import ComparisonReport
from clients.hardened import Hardened
from clients.report import Report
from clients.sync import AttackClient

__all__ = ["AsyncAttackClient", "AttackClient", "ComparisonReport", "Hardened", "Report"]
