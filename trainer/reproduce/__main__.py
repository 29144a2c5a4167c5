"""`python -m trainer.reproduce --out runs/paper`: the paper's Table 1 and Figures 1 to 6, from training to drawing.

The same command goes on where it was stopped. Several processes share the work by `--shard 1/4` to `--shard 4/4`, on
one machine or on a shared folder; two of them never work on one model. `--table` only reads what is stored.
"""

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

import torch

from saddlepoint.errors import InvalidSpec, SaddlepointError
from saddlepoint.settings import Settings
from trainer.build import Machine
from trainer.methods import METHODS
from trainer.reproduce.claims import claimed
from trainer.reproduce.models import models
from trainer.reproduce.page import render
from trainer.reproduce.study import Study, open_study, read_study
from trainer.reproduce.work import complete

_log = logging.getLogger("trainer")


def main(arguments: list[str] | None = None) -> int:
    """Make what is missing, then the table on stdout; the exit status, 1 where something could not be made."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    try:
        study = (read_study if options.table else open_study)(options.out, _given(options))
    except InvalidSpec as error:
        parser.error(error.message)
    machine = Machine(options.device, Settings.from_environment().default_precision, options.threads)
    failed = 0 if options.table else work(study, options.out, machine, options.shard)
    sys.stdout.write(render(study, options.out))
    return 1 if failed else 0


def work(study: Study, root: Path, machine: Machine, shard: tuple[int, int] = (1, 1)) -> int:
    """Complete the models of a shard that nobody else is at; how many failed, which leaves the others alone."""
    number, count = shard
    failed = 0
    for model in list(models(study, root))[number - 1 :: count]:
        with claimed(model.folder) as is_ours:
            if not is_ours:
                _log.info("%s is another process's now", model.folder)
                continue
            try:
                complete(study, model, machine)
            except (SaddlepointError, OSError):
                _log.exception("%s could not be completed; the same command tries again", model.folder)
                failed += 1
    return failed


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a Study that the command line names."""
    given = {name: getattr(options, name) for name in Study.model_fields if getattr(options, name, None) is not None}
    if options.set:
        given["config"] = {name: json.loads(value) for name, _, value in (text.partition("=") for text in options.set)}
    return given


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"A shard is k/n with k from 1 to n, such as 1/4; got {text!r}.")
    return int(number), int(count)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainer.reproduce", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--table", action="store_true", help="only read what is stored, and draw it")
    parser.add_argument("--shard", type=_shard, default=(1, 1), metavar="K/N", help="work on every n-th model")
    parser.add_argument("--games", nargs="+", help="Atari or Gymnasium ids; the paper's three")
    parser.add_argument("--methods", nargs="+", choices=sorted(METHODS), help="the paper's four")
    parser.add_argument("--seeds", type=int, help="training runs of each method in each game; 5")
    parser.add_argument("--steps", type=int, help="agent steps of a training; 100,000,000")
    parser.add_argument("--epsilon", type=float, help="in observation units; 4")
    parser.add_argument("--epsilon-scale", type=float, nargs="+", help="a factor for each entry of an observation")
    parser.add_argument("--environment-seeds", type=int, help="of an evaluation; 10")
    parser.add_argument("--episodes", type=int, help="of each environment seed; 50")
    parser.add_argument("--sweep", type=float, nargs="*", help="Figure 3's radii in epsilons; 0.25 0.5 1.5 2")
    parser.add_argument("--states", type=int, help="of each policy in Figure 4; 50,000")
    parser.add_argument("--starts", type=int, help="of the attack on each of them; 50")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=JSON", help="a field of TrainingConfig")
    parser.add_argument("--threads", type=int, default=1, help="of torch and of the emulators while training")
    parser.add_argument("--device", default="cpu", help="to train on: cpu, cuda")
    return parser


if __name__ == "__main__":
    sys.exit(main())
