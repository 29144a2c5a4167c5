"""`python -m tests.fuzz api|uploads [--number N] [--seed N]`: hostile requests, or hostile files; exit 1 on a finding.

Leaves what was found in build/fuzz: a request as the curl command that sends it.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.api import Findings, assail
from tests.fuzz.furnished import furnished

OUT = Path("build/fuzz")
ROUND = 2000
"""Requests to one service, which deletes its policies in the end."""


def fuzz_api(number: int, seed: int) -> int:
    """Requests made from the OpenAPI document."""
    began = time.monotonic()
    findings = Findings()
    while findings.requests < number:
        with tempfile.TemporaryDirectory() as folder, furnished(Path(folder)) as service:
            assail(service, ROUND, seed + findings.requests, findings)
    lines = [f"{count:>7}  {status}  {label}" for (label, status), count in sorted(findings.answers.items())]
    lines.append(f"{findings.requests} requests in {time.monotonic() - began:.0f} s, {len(findings.wrong)} findings")
    for index, (what, request) in enumerate(findings.wrong.items()):
        lines.append(what)
        (OUT / f"request-{index}.txt").write_text(f"{what}\n{request}\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(findings.wrong))


CAMPAIGNS = {"api": fuzz_api}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("what", choices=CAMPAIGNS)
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    return CAMPAIGNS[options.what](options.number, options.seed)


if __name__ == "__main__":
    sys.exit(main())
