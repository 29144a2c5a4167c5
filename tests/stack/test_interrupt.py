"""Ctrl-C at the command line: the job goes on, and what is printed comes back to it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clients import AttackClient
from clients.background import RunningStack
from saddlepoint.errors import Canceled
from tests.processes import wait_until

CARTPOLE = "CartPole-v1"


def _start(stack: RunningStack, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "SADDLEPOINT_URL": stack.url}
    return subprocess.Popen(
        [sys.executable, "-m", "clients", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_an_interrupted_evaluation_goes_on_and_the_printed_commands_lead_back(
    stack: RunningStack, client: AttackClient, policies: dict[str, Path]
) -> None:
    known = {item.id for item in client.evaluations()}
    words = f"--env {CARTPOLE} --epsilon 0.01 --attacks none ce --steps 300 --seeds 20 --episodes 10".split()
    with _start(stack, "evaluate", str(policies[CARTPOLE]), *words) as command:
        wait_until(lambda: _steps_of_new(client, known) > 0, within_s=60, what="a first step")
        command.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, errors = command.communicate(timeout=90)
        assert time.monotonic() - began < 15
    assert command.returncode == 130
    assert out == ""
    assert "Traceback" not in errors
    back, end = [line.split() for line in errors.splitlines()[-2:]]
    assert back[:2] == ["saddlepoint", "watch"]
    assert client.evaluation(back[2]).status == "processing"
    with _start(stack, *end[1:]) as cancel:
        assert cancel.communicate(timeout=90)[0].split()[0] == back[2]
    with pytest.raises(Canceled):
        client.wait(back[2], progress=False, timeout_s=120)


def _steps_of_new(client: AttackClient, known: set[str]) -> int:
    return sum(item.progress.environment_steps for item in client.evaluations() if item.id not in known)
