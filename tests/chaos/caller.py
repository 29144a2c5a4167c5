"""A client that tells the history every answer, and repeats what was not answered, as any client must."""

import threading
import time
from typing import Any

import httpx

from saddlepoint.schemas.evaluations import TERMINAL
from tests.chaos.history import History

_PATIENCE_S = 600.0
_AGAIN_S = 0.3
_LONG_POLL_S = 5


class Stuck(Exception):
    """Nothing came in time."""


class Caller:
    """Calls one service. `job` is the label under which the history knows what a call is about."""

    def __init__(self, url: str, history: History) -> None:
        self._http = httpx.Client(base_url=url, timeout=60.0, trust_env=False)
        self._history = history
        self._lock = threading.Lock()
        self._asking = 0

    def close(self) -> None:
        self._http.close()

    def is_asking(self) -> bool:
        """Whether the service owes somebody an answer right now."""
        return self._asking > 0

    def call(self, job: str, method: str, path: str, *, allowed: frozenset[int], **request: Any) -> httpx.Response:
        """The answer, asked for until it is neither 503 nor a broken connection. Raises Stuck."""
        given_up = time.monotonic() + _PATIENCE_S
        while time.monotonic() < given_up:
            answer = self._try(job, method, path, allowed, request)
            if answer is not None and answer.status_code != 503:
                return answer
            time.sleep(_AGAIN_S)
        raise Stuck(f"{method} {path} was not answered within {_PATIENCE_S:g} s")

    def follow(self, job: str, path: str) -> dict[str, Any]:
        """Ask for a job until it has ended, and once more. Raises Stuck."""
        given_up = time.monotonic() + _PATIENCE_S
        while time.monotonic() < given_up:
            if self.look(job, path, wait_s=_LONG_POLL_S)["status"] in TERMINAL:
                return self.look(job, path)
        raise Stuck(f"{path} did not end within {_PATIENCE_S:g} s")

    def look(self, job: str, path: str, *, wait_s: int = 0) -> dict[str, Any]:
        """A job as it is shown now."""
        headers = {"Prefer": f"wait={wait_s}"} if wait_s else {}
        state: dict[str, Any] = self.call(job, "GET", path, allowed=frozenset({200}), headers=headers).json()
        self._history.add("state", job=job, id=state["id"], status=state["status"], error=state.get("error"))
        return state

    def _try(
        self, job: str, method: str, path: str, allowed: frozenset[int], request: dict[str, Any]
    ) -> httpx.Response | None:
        """One try; None where the connection broke."""
        with self._lock:
            self._asking += 1
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            self._history.add("broken", job=job, call=f"{method} {path}", error=type(error).__name__)
            return None
        finally:
            with self._lock:
                self._asking -= 1
        self._history.add(
            "answer",
            job=job,
            call=f"{method} {path}",
            status=answer.status_code,
            allowed=sorted(allowed),
            is_problem=answer.headers.get("content-type", "").startswith("application/problem+json"),
            body=answer.text[:300] if answer.status_code >= 400 else "",
        )
        return answer
