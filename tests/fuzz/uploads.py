"""Damaged files through the validator's confined child, many to a child, and alone where a child came to harm.

A file is a finding where it is neither taken nor refused with a code of refusals, takes too long, or leaves a marker.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from saddlepoint.errors import PolicyRejected, ResourceLimit, SaddlepointError
from saddlepoint.policies.importing import import_policy
from saddlepoint.schemas.policies import PolicyHints
from tests.corpus.benign import BENIGN
from tests.corpus.malicious import MALICIOUS
from tests.fuzz.mutations import mutated
from worker.sandbox import Limits, run_limited, run_within

TAKEN = "taken"
LARGEST = 2**18
"""Bytes of a file that is worth damaging: of larger ones, most bytes are weights."""
BATCH, BATCH_LIMITS = 50, Limits(wall_s=120.0, cpu_s=60)
SLOW_S = 10.0
"""For one file; a validator may take 20 s of the processor."""
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass
class Outcomes:
    """How often each code came; the files that came out wrong, and those that were judged alone."""

    codes: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, bytes] = field(default_factory=dict)
    alone: int = 0
    uploaded: int = 0
    """Through the whole service."""
    slowest_s: float = 0.0


def seeds(marker: Path) -> list[bytes]:
    """The files of the corpus that are small enough to damage; what is hostile in them would write `marker`."""
    made = [benign.make(marker) for benign in BENIGN.values()]
    made += [malicious.make(marker) for malicious in MALICIOUS.values()]
    return [data for data in made if len(data) <= LARGEST]


def damaged(files: Sequence[bytes], seed: int, index: int) -> bytes:
    """The file number `index` of a campaign, the same whatever was made before it."""
    random = Random(f"{seed}/{index}")
    return mutated(random.choice(files), files, random)


def judge(files: Sequence[bytes], names: Sequence[str], outcomes: Outcomes) -> None:
    """Note what becomes of each file."""
    try:
        verdicts = json.loads(run_within(BATCH_LIMITS, _judged, files))
    except PolicyRejected:
        verdicts = [_alone(data) for data in files]
        outcomes.alone += len(files)
    for name, data, (code, seconds) in zip(names, files, verdicts, strict=True):
        outcomes.codes[code] += 1
        outcomes.slowest_s = max(outcomes.slowest_s, seconds)
        if code not in CODES or seconds > SLOW_S:
            outcomes.wrong[f"{name}: {code} after {seconds:.1f} s"] = data


def _judged(files: Sequence[bytes]) -> bytes:
    return json.dumps([_verdict(data) for data in files]).encode()


def _verdict(data: bytes) -> tuple[str, float]:
    began = time.perf_counter()
    try:
        _imported(data)
        code = TAKEN
    except MemoryError:
        code = ResourceLimit.code
    except SaddlepointError as error:
        code = error.code
    return code, time.perf_counter() - began


def _alone(data: bytes) -> tuple[str, float]:
    """As a validator does it: a child for this file."""
    began = time.perf_counter()
    try:
        run_limited(_imported, data)
        code = TAKEN
    except SaddlepointError as error:
        code = error.code
    return code, time.perf_counter() - began


def _imported(data: bytes) -> bytes:
    imported = import_policy(data, filename_hint="p", hints=PolicyHints(), policy_id="policy", created_at=NOW)
    return imported.card.canonical_sha256.encode()


def _codes(root: type[SaddlepointError]) -> frozenset[str]:
    return frozenset({root.code}).union(*(_codes(child) for child in root.__subclasses__()))


CODES = _codes(PolicyRejected) | {TAKEN}
