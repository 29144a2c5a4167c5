"""What a key must be good for: one row for each route, and a route without a row answers nobody."""

import re
from typing import Literal

from fastapi import Request
from fastapi.routing import APIRoute

from saddlepoint.errors import Forbidden
from saddlepoint.schemas.access import Scope
from service.key_ring import Caller

OPEN: Literal["open"] = "open"
"""Answered to anybody: it tells nothing of what is stored."""

SCOPE_OF: dict[tuple[str, str], Scope | Literal["open"]] = {
    ("GET", "/login"): OPEN,
    ("POST", "/login"): OPEN,
    ("POST", "/logout"): OPEN,
    ("GET", "/static/{version}/{name}"): OPEN,
    ("GET", "/reference"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/livez"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): "admin",
    ("GET", "/"): "read",
    ("GET", "/evaluations"): "read",
    ("GET", "/evaluations/new"): "read",
    ("GET", "/evaluations/{evaluation_id}"): "read",
    ("GET", "/policies"): "read",
    ("GET", "/policies/{policy_id}"): "read",
    ("GET", "/trainings"): "read",
    ("GET", "/trainings/new"): "read",
    ("GET", "/trainings/{training_id}"): "read",
    ("GET", "/workers"): "read",
    ("POST", "/evaluate"): "submit",
    ("POST", "/v1/evaluations"): "submit",
    ("GET", "/v1/evaluations"): "read",
    ("GET", "/v1/evaluations/{evaluation_id}"): "read",
    ("POST", "/v1/evaluations/{evaluation_id}/cancel"): "submit",
    ("POST", "/v1/evaluations/{evaluation_id}/extend"): "submit",
    ("GET", "/v1/evaluations/{evaluation_id}/events"): "read",
    ("GET", "/v1/evaluations/{evaluation_id}/report"): "read",
    ("POST", "/v1/policies"): "submit",
    ("GET", "/v1/policies"): "read",
    ("GET", "/v1/policies/{policy_id}"): "read",
    ("GET", "/v1/policies/{policy_id}/file"): "read",
    ("DELETE", "/v1/policies/{policy_id}"): "submit",
    ("POST", "/v1/trainings"): "submit",
    ("GET", "/v1/trainings"): "read",
    ("GET", "/v1/trainings/{training_id}"): "read",
    ("POST", "/v1/trainings/{training_id}/cancel"): "submit",
    ("GET", "/v1/trainings/{training_id}/events"): "read",
    ("GET", "/v1/trainings/{training_id}/report"): "read",
    ("GET", "/v1/leaderboard"): "read",
    ("GET", "/v1/leaderboard/{board_id}"): "read",
    ("GET", "/leaderboard"): "read",
    ("GET", "/leaderboard/{board_id}"): "read",
    ("POST", "/v1/comparisons"): "submit",
    ("GET", "/v1/comparisons/{comparison_id}"): "read",
    ("GET", "/v1/comparisons/{comparison_id}/result"): "read",
    ("POST", "/v1/comparisons/{comparison_id}/cancel"): "submit",
    ("POST", "/v1/attacks"): "submit",
    ("GET", "/v1/attacks"): "read",
    ("GET", "/v1/attacks/{attack_id}"): "read",
    ("GET", "/v1/attacks/{attack_id}/result"): "read",
    ("POST", "/v1/attacks/{attack_id}/cancel"): "submit",
    ("POST", "/v1/landscapes"): "submit",
    ("GET", "/v1/landscapes/{landscape_id}"): "read",
    ("GET", "/v1/landscapes/{landscape_id}/result"): "read",
    ("POST", "/v1/landscapes/{landscape_id}/cancel"): "submit",
    ("GET", "/v1/defenses"): "read",
    ("GET", "/v1/environments"): "read",
    ("GET", "/v1/audit"): "admin",
    ("GET", "/v1/webhooks/{webhook_id}"): "read",
    ("GET", "/v1/webhook-secret"): "admin",
    ("POST", "/v1/webhook-secret"): "admin",
}

_PATTERNS = {path: re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)) for _, path in SCOPE_OF}


def is_open(path: str) -> bool:
    """Whether nobody needs a key for this path."""
    return any(scope == OPEN and _PATTERNS[route].fullmatch(path) for (_, route), scope in SCOPE_OF.items())


def methods_of(path: str) -> list[str]:
    """The methods that there are at this path, HEAD wherever there is GET."""
    found = {method for method, route in SCOPE_OF if _PATTERNS[route].fullmatch(path)}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


async def check_scope(request: Request) -> None:
    """Raise Forbidden unless the caller's key is good for the route; a dependency of all, before any other."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    needed = SCOPE_OF.get((request.method, route.path))
    if needed == OPEN:
        return
    caller: Caller = request.state.caller
    if needed is None or needed not in caller.scopes:
        raise Forbidden(
            f"The API key has the scopes {', '.join(sorted(caller.scopes)) or 'none'} and this needs "
            f"{needed or 'one that there is not'}; `saddlepoint keys create --scopes` makes another key."
        )
