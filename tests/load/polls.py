"""How many polls and submissions a service answers, and how fast."""

import asyncio
import json
import tempfile
from pathlib import Path
from random import Random

import httpx

from clients.premises import free_port
from tests.load.connections import Answers, ask, request
from tests.load.figures import Figure
from tests.load.setting import SPEC, Setting
from tests.processes import running, wait_until

CONNECTIONS, SECONDS = 16, 20.0
SUBMITTERS, DIFFERENT = 4, 20_000
MS = 1000.0


def poll_figures(setting: Setting) -> list[Figure]:
    """Polls of the running evaluation, one in ten of an ended one that was not read yet; the bare route around them."""
    before = _bare_rate()
    ended = Random(0).sample(setting.ended_ids, k=len(setting.ended_ids))
    asked = [polled for name in ended for polled in (*[setting.running_id] * 9, name)]
    polls = [request("GET", f"/v1/evaluations/{polled}", setting.key) for polled in asked]
    answers = _measured(setting.port, polls, CONNECTIONS)
    bare = (before + _bare_rate()) / 2
    rate = len(answers.seconds) / SECONDS
    return [
        Figure("status polls", rate, "/s", least=1000),
        Figure("  a bare route that reads a file", bare, "/s"),
        Figure("  the 99th percentile of polls", answers.percentile(0.99) * MS, "ms", most=50),
        Figure("  polls that failed", answers.failures, "", most=0),
    ]


def submission_figures(setting: Setting) -> list[Figure]:
    """Evaluations that are all different, each stored before it is answered."""
    specs = ({**SPEC, "policy_id": setting.policy_id, "seeds": [seed]} for seed in range(DIFFERENT))
    posts = [request("POST", "/v1/evaluations", setting.key, json.dumps(spec).encode()) for spec in specs]
    answers = _measured(setting.port, posts, SUBMITTERS)
    return [
        Figure("submissions", len(answers.seconds) / SECONDS, "/s"),
        Figure("  the 99th percentile of submissions", answers.percentile(0.99) * MS, "ms"),
        Figure("  submissions that failed", answers.failures, "", most=0),
    ]


def _measured(port: int, requests: list[bytes], connections: int) -> Answers:
    """After a moment that warms both sides."""
    asyncio.run(ask(port, requests[-100:], connections=connections, seconds=2.0))
    return asyncio.run(ask(port, requests[:-100], connections=connections, seconds=SECONDS))


def _bare_rate() -> float:
    port = free_port(0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps(SPEC | {"filler": "x" * 1000}), encoding="utf-8")
        with running("-m", "tests.load.bare", str(port), str(file)):
            wait_until(lambda: _answers(port), within_s=30, what="the start of the bare route")
            answers = asyncio.run(ask(port, [request("GET", "/", "")], connections=CONNECTIONS, seconds=SECONDS / 2))
    return len(answers.seconds) / (SECONDS / 2)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).is_success
    except httpx.TransportError:
        return False
