"""The parts of `saddlepoint gate`: an exit status, test results and a badge of one verdict."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from clients.console import Console
from clients.gated import Gated
from clients.given import environment, specification
from clients.report import writable_folder, write_text
from clients.sync import AttackClient
from saddlepoint.errors import GateFailed, InvalidRequest


def check_files(options: Namespace) -> None:
    """Before the wait. Raises InvalidRequest where something has nowhere to go, or belongs to an environment."""
    if options.env is None and options.env_options:
        raise InvalidRequest("--env-option is an environment's; give --env.")
    for folder in (options.out, *(file.parent for file in (options.junit, options.badge) if file)):
        if folder is not None:
            writable_folder(folder)


def judged(client: AttackClient, options: Namespace) -> Gated:
    """The verdict on what was given."""
    return client.gate(
        options.subject,
        env=None if options.env is None else environment(options),
        min_normalized=options.min_normalized,
        min_mean=options.min_mean,
        max_drop=options.max_drop,
        baseline=options.baseline,
        card=options.card,
        vecnormalize=options.vecnormalize,
        webhook=options.webhook,
        **specification(options),
    )


def write_verdict(gated: Gated, options: Namespace, console: Console) -> None:
    """The tables or the checks as JSON, and the files. Raises GateFailed where it did not pass."""
    console.guesses(gated.report.policy.get("guesses", []))
    console.data(_plain(gated), gated.table(console.width))
    forms: list[tuple[Path | None, str]] = [(options.junit, gated.junit()), (options.badge, gated.badge())]
    for path, text in forms:
        if path is not None:
            write_text(path, text)
    if options.out is not None:
        console.say(f"Saved to {gated.save(options.out)}")
    console.say(f"evaluation {gated.report.id}")
    if not gated.passed:
        raise GateFailed(gated.gate.sentence)
    console.say(gated.gate.sentence)


def _plain(gated: Gated) -> dict[str, Any]:
    return {"evaluation_id": gated.report.id, **gated.gate.model_dump(mode="json")}
