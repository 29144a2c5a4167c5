"""A campaign of damaged files: all through the confined child, one of each batch through the whole service too."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.corpus.intake import Intake, make_intake
from tests.fuzz.uploads import BATCH, CODES, TAKEN, Outcomes, damaged, judge, seeds

GROWTH_BYTES = 200 * 2**20
"""That the process which starts the children, and holds the service, may grow by: it reads nothing of any file."""


@dataclass(frozen=True)
class Campaign:
    """Where it works, the whole files, the service that some go through, and what makes the damage the same again."""

    folder: Path
    files: list[bytes]
    intake: Intake
    seed: int


def prepare(folder: Path, seed: int) -> Campaign:
    """A campaign with its data in `folder`, which is empty; its marker would lie in `folder/marked`."""
    (folder / "marked").mkdir()
    files = seeds(folder / "marked" / "marker")
    return Campaign(folder, files, make_intake(folder / "intake"), seed)


def run(campaign: Campaign, number: int, outcomes: Outcomes) -> None:
    """Judge `number` files. What concerns no single file is noted with no bytes."""
    before, others = _resident(), set(psutil.Process().children())
    for batch in _batches(number):
        files = [damaged(campaign.files, campaign.seed, index) for index in batch]
        judge(files, [f"{campaign.seed}-{index}" for index in batch], outcomes)
        _upload(campaign, f"{campaign.seed}-{batch[0]}", files[0], outcomes)
    if grown := max(0, _resident() - before - GROWTH_BYTES):
        outcomes.wrong[f"memory: {grown + GROWTH_BYTES:,} bytes more than before"] = b""
    if marked := os.listdir(campaign.folder / "marked"):
        outcomes.wrong[f"code ran: {marked}"] = b""
    if children := set(psutil.Process().children()) - others:
        outcomes.wrong[f"children are left: {children}"] = b""


def _batches(number: int) -> Iterator[range]:
    return (range(start, min(start + BATCH, number)) for start in range(0, number, BATCH))


def _upload(campaign: Campaign, name: str, data: bytes, outcomes: Outcomes) -> None:
    answer = campaign.intake.upload(data)
    outcomes.uploaded += 1
    code = TAKEN if answer.is_success else answer.json()["code"]
    if answer.status_code >= 500 or code not in CODES:
        outcomes.wrong[f"{name}: answered {answer.status_code} {code}"] = data


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)
