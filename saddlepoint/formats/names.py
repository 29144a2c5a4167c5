"""What the things in a report are called."""

from collections.abc import Mapping

from saddlepoint.schemas.reports import Cell, RobustnessReport


def policy_title(report: RobustnessReport) -> str:
    """The policy's name, else the beginning of its id."""
    return str(report.policy.get("name") or f"Policy {str(report.policy.get('id', ''))[:8]}")


def environment_id(report: RobustnessReport) -> str:
    env = report.spec.get("env", "")
    return str(env.get("id", "") if isinstance(env, Mapping) else env)


def attack_name(cell: Cell) -> str:
    """The attack's name without its epsilon and action mode, which are shown beside it."""
    return cell.label.removesuffix(" (greedy)").removesuffix(f"@{cell.epsilon:g}")
