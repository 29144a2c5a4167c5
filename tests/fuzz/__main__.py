"""`python -m tests.fuzz api|uploads [--number N] [--seed N]`: hostile requests, or hostile files; exit 1 on a finding.

Leaves what was found in build/fuzz/KIND: files as they were, requests as the curl commands that send them.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.api import Findings, assail
from tests.fuzz.campaign import prepare, run
from tests.fuzz.furnished import furnished
from tests.fuzz.uploads import Outcomes

_ROOT = Path("build/fuzz")
ROUND = 2000
"""Requests to one service, which deletes its policies in the end."""


def fuzz_api(number: int, seed: int, out: Path) -> int:
    """Requests made from the OpenAPI document."""
    began = time.monotonic()
    findings = Findings()
    while findings.requests < number:
        with tempfile.TemporaryDirectory() as folder, furnished(Path(folder)) as service:
            assail(service, ROUND, seed + findings.requests, findings)
        sys.stderr.write(f"{findings.requests} of {number} requests, {len(findings.wrong)} findings\n")
    lines = [f"{count:>7}  {status}  {label}" for (label, status), count in sorted(findings.answers.items())]
    lines.append(f"{findings.requests} requests in {time.monotonic() - began:.0f} s, {len(findings.wrong)} findings")
    for index, (what, request) in enumerate(findings.wrong.items()):
        lines.append(what)
        (out / f"request-{index}.txt").write_text(f"{what}\n{request}\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(findings.wrong))


def fuzz_uploads(number: int, seed: int, out: Path) -> int:
    """Damaged files, each by its number and the seed."""
    outcomes = Outcomes()
    with tempfile.TemporaryDirectory() as folder:
        campaign = prepare(Path(folder), seed)
        began = time.monotonic()
        run(campaign, number, outcomes)
        taken_s = time.monotonic() - began
    for name, data in outcomes.wrong.items():
        (out / f"{name.partition(':')[0]}.bin").write_bytes(data)
    lines = [f"{count:>7}  {code}" for code, count in outcomes.codes.most_common()]
    lines += [
        f"{number} files in {taken_s:.0f} s ({number / taken_s:.0f} a second), the slowest {outcomes.slowest_s:.1f} s; "
        f"{outcomes.uploaded} through the service, {outcomes.alone} in a child of their own",
        *outcomes.wrong,
        f"{len(outcomes.wrong)} findings",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(outcomes.wrong))


CAMPAIGNS = {"api": (fuzz_api, 20_000), "uploads": (fuzz_uploads, 100_000)}
"""And how many, unless it is said."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("what", choices=CAMPAIGNS)
    parser.add_argument("--number", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    out = _ROOT / options.what
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    campaign, usual = CAMPAIGNS[options.what]
    return campaign(options.number or usual, options.seed, out)


if __name__ == "__main__":
    sys.exit(main())
