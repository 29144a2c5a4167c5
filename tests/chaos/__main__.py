"""`python -m tests.chaos [--faults N] [--seed N]`: trouble for a whole stack; exit 1 where a promise was broken.

Leaves build/chaos/history.jsonl and build/chaos/result.json, and the stores of a round that went wrong.
"""

import argparse
import json
import shutil
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from statistics import median

from tests.chaos.batch import BATCH
from tests.chaos.campaign import run
from tests.chaos.history import History, of_kind
from tests.chaos.recovery import measure

OUT = Path("build/chaos")


def main() -> int:
    options = _parser().parse_args()
    shutil.rmtree(OUT, ignore_errors=True)
    _say(f"{options.faults} faults, seed {options.seed}")
    with closing(History(OUT / "history.jsonl")) as history:
        wrong = run(OUT / "stores", history, BATCH, options.seed, options.faults)
        recoveries = list(measure(OUT / "recovery", history))
    wrong += [
        f"{name}: {max(taken)} s, allowed are {limit:g}" for name, limit, taken in recoveries if max(taken) > limit
    ]
    faults = of_kind(history.events, "fault")
    _say_table(["fault", "struck", "at work"], _counted(faults))
    _say_table(["recovery", "allowed s", "median s", "worst s"], [[n, m, median(t), max(t)] for n, m, t in recoveries])
    _say("\n".join(wrong) or "nothing lost, nothing twice, nothing different")
    result = {
        "seed": options.seed,
        "faults": len(faults),
        "at_work": sum(event["at_work"] for event in faults),
        "jobs": sum(event["kind"] in ("stored", "published") for event in history.events),
        "rounds": len(of_kind(history.events, "round")) - 1,
        "recovery_s": {name: taken for name, _, taken in recoveries},
        "wrong": wrong,
    }
    (OUT / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 1 if wrong else 0


def _counted(faults: list[dict[str, object]]) -> list[list[object]]:
    struck, at_work = Counter(f["fault"] for f in faults), Counter(f["fault"] for f in faults if f["at_work"])
    return [
        *([name, struck[name], at_work[name]] for name in sorted(struck, key=str)),
        ["all", len(faults), at_work.total()],
    ]


def _say_table(head: list[str], rows: list[list[object]]) -> None:
    lines = [head, *([str(word) for word in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    _say("\n" + "\n".join("  ".join(w.ljust(n) for w, n in zip(line, widths, strict=True)) for line in lines))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
