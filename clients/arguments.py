"""The command line's grammar."""

import argparse
from pathlib import Path

from clients.parser import Formatter, Parser
from clients.values import environment_option, finite, number_or_text, object_or_text, positive, setting, side
from saddlepoint import __version__
from saddlepoint.schemas.tiers import TIERS

SHELLS = ("bash", "zsh", "tcsh")
EPILOG = """\
exit status: 0 done, 1 gate failed or a fault found, 2 wrong usage, 3 the job failed, 4 the service failed or is away

example: saddlepoint evaluate policy.zip --env BoxingNoFrameskip-v4 --epsilon 1 2 4 --out report/"""


def build_parser() -> argparse.ArgumentParser:
    """The parser; `command` of what it returns is a key of `clients.commands.COMMANDS`.

    It is built without loading them, so that help and completion are there at once.
    """
    parser = Parser(
        prog="saddlepoint",
        description="How bad is the worst case of a reinforcement-learning policy?",
        epilog=EPILOG,
        formatter_class=Formatter,
    )
    parser.add_argument("--version", action="version", version=f"saddlepoint {__version__}")
    add = parser.add_subparsers(dest="command", metavar="command", required=True).add_parser
    service = _service_options()
    _evaluate(add("evaluate", help="play a policy under attack and print its report", parents=[service]))
    _gate(add("gate", help="pass or fail a policy by its worst case, for CI", parents=[service]))
    _extend(add("extend", help="add seeds, episodes, attacks or epsilons to an evaluation", parents=[service]))
    _watched(add("watch", help="follow an evaluation or training and print what it gives", parents=[service]))
    _open(add("open", help="open the page of an evaluation or training in a browser", parents=[service]))
    _cancel(add("cancel", help="end an evaluation or training", parents=[service]))
    _inspect(add("inspect", help="upload a policy and print what was found in it", parents=[service]))
    _attack(add("attack", help="attack observations of your own", parents=[service]))
    _landscape(add("landscape", help="how far apart perturbed policies are around a state", parents=[service]))
    _train(add("train", help="train a policy, or one further", parents=[service]))
    _harden(add("harden", help="audit a policy, train it against attack, audit again, compare", parents=[service]))
    _compare(add("compare", help="what one policy or method gains over another", parents=[service]))
    _leaderboard(add("leaderboard", help="your policies that were evaluated alike, best first", parents=[service]))
    for name, what in (
        ("attacks", "the attacks"),
        ("defenses", "the training methods"),
        ("environments", "the Atari environments"),
        ("evaluations", "your evaluations"),
        ("policies", "your policies"),
        ("trainings", "your trainings"),
    ):
        add(name, help=f"list {what}", parents=[service])
    _keys(add("keys", help="make, list and revoke API keys where the store is"))
    _doctor(add("doctor", help="what is wrong with this machine and with a running stack", parents=[service]))
    _up(add("up", help="run the whole stack on this machine until Ctrl-C"))
    _demo(add("demo", help="start a stack, evaluate a bundled Atari policy, stop"))
    _completion(add("completion", help="print what makes a shell complete these commands"))
    return parser


def _service_options() -> Parser:
    parser = Parser(add_help=False)
    parser.add_argument("--url", help="the service (default: SADDLEPOINT_URL, else http://127.0.0.1:8000)")
    parser.add_argument("--api-key", metavar="KEY", help="its API key (default: SADDLEPOINT_API_KEY)")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print data as JSON")
    return parser


def _evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="a policy (ONNX, SB3 zip, state dict, safetensors), or a policy's id"
    )
    _env(parser)
    _evaluation(parser, steps="--steps")
    _card(parser)
    _out(parser)
    _webhook(parser)


def _gate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject", metavar="FILE|ID", help="a policy, with --env and how to evaluate it; or an evaluation that is there"
    )
    for name, what in (
        ("--min-normalized", "least worst case, from 0 (a random policy) to 1 (no attack)"),
        ("--min-mean", "least mean return in the worst case"),
        ("--max-drop", "largest loss of return against no attack"),
    ):
        parser.add_argument(name, type=finite, metavar="X", help=f"{what}; the bad end of the 95%% interval counts")
    parser.add_argument("--baseline", metavar="ID", help="an evaluation that no attack's return may be worse than")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the checks as test results")
    parser.add_argument("--badge", type=Path, metavar="FILE", help="write an SVG")
    _env(parser, required=False)
    _evaluation(parser, steps="--steps")
    _card(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the report and the verdict in every form there")
    _webhook(parser)


def _evaluation(parser: argparse.ArgumentParser, *, steps: str) -> None:
    """How a policy is evaluated; `steps` is what the option for those of the attack is called."""
    parser.add_argument(
        "--epsilon", nargs="+", type=float, metavar="E", help="radius, observation units (Atari: of 255)"
    )
    parser.add_argument(
        "--attacks",
        nargs="+",
        type=object_or_text,
        metavar="KIND",
        help="default: none random max min ce; an attack with options is JSON, such as "
        """'{"kind": "ce", "norm": "l2"}'""",
    )
    parser.add_argument(
        "--epsilon-scale",
        nargs="+",
        type=number_or_text,
        metavar="U",
        help="the unit of epsilon in each entry of an observation, or observation_std",
    )
    parser.add_argument(
        "--when",
        type=object_or_text,
        metavar="RULE",
        help="""such as '{"kind": "every", "every": 4}' (default: always)""",
    )
    parser.add_argument("--seeds", type=positive, metavar="N", help="seeds 0..N-1")
    parser.add_argument("--episodes", type=positive, metavar="N", help="episodes a seed")
    parser.add_argument("--tier", choices=TIERS, help="how many seeds and episodes (default: quick)")
    parser.add_argument(steps, type=positive, metavar="N", dest="attack_steps", help="PGD steps (default: 7)")
    parser.add_argument("--step-size", type=float, metavar="S", help="of PGD (default: half of epsilon)")
    parser.add_argument("--precision", choices=("fp32", "bf16"))
    parser.add_argument("--action-mode", choices=("sample", "greedy"))
    parser.add_argument("--max-episode-steps", type=positive, metavar="N", help="cut longer episodes (agent steps)")


def _extend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="of an evaluation; what it has played is not played again")
    parser.add_argument("--seeds", type=int, metavar="N", help="seeds 0..N-1 beside its own")
    parser.add_argument("--episodes", type=int, metavar="N", help="episodes a seed, at least its own")
    parser.add_argument("--epsilon", nargs="+", type=float, metavar="E", help="further ones")
    parser.add_argument("--attacks", nargs="+", metavar="KIND", help="further ones")
    _out(parser)
    _webhook(parser)


def _watched(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the report there, and a training's policy")


def _open(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")


def _cancel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")


def _inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    _card(parser)


def _attack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a policy, or a policy's id")
    parser.add_argument("--observations", required=True, type=Path, metavar="FILE", help=".npy, (N, *observation)")
    parser.add_argument("--kind", default="ce", help="see `saddlepoint attacks` (default: ce)")
    parser.add_argument("--epsilon", required=True, type=float, metavar="E", help="radius, in their units")
    parser.add_argument("--steps", type=int, metavar="N", help="PGD steps (default: 7)")
    parser.add_argument("--step-size", type=float, metavar="S", help="of PGD (default: half of epsilon)")
    parser.add_argument("--norm", choices=("linf", "l2"))
    parser.add_argument("--restarts", type=int, metavar="N")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--low", type=float, help="bound of every entry (default: 0 for uint8, none otherwise)")
    parser.add_argument("--high", type=float, help="bound of every entry (default: 255 for uint8, none otherwise)")
    parser.add_argument(
        "--out", type=Path, default=Path("adversarial.npz"), metavar="FILE", help="default: adversarial.npz"
    )
    _card(parser)
    _webhook(parser)


def _landscape(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="policies, or policies' ids, for one picture")
    parser.add_argument("--env", required=True, type=object_or_text, metavar="ID", help="such as BoxingNoFrameskip-v4")
    parser.add_argument("--epsilon", type=float, metavar="E", help="radius, observation units (Atari: 4 of 255)")
    parser.add_argument("--states", type=int, metavar="N", help="of each policy (default: 1000; the paper: 50000)")
    parser.add_argument("--starts", type=int, metavar="N", help="random starts a state (default: 50)")
    parser.add_argument("--steps", type=int, metavar="N", help="PGD steps (default: 7)")
    parser.add_argument("--step-size", type=float, metavar="S", help="of PGD (default: half of epsilon)")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--matrices", type=int, metavar="N", dest="figure5_states", help="states drawn (default: 4)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write landscape.json and landscape.html there")
    _webhook(parser)


def _train(parser: argparse.ArgumentParser) -> None:
    _env(parser)
    _training(parser, method="standard")
    parser.add_argument("--policy", metavar="FILE", help="a policy to go on from, or a policy's id")
    parser.add_argument("--epsilon", type=float, metavar="E", help="radius of the ball that it is trained in")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write policy.onnx, training.json and .html there")
    _card(parser)
    _webhook(parser)


def _harden(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a policy, or a policy's id")
    _env(parser)
    _training(parser, method="atpa")
    _evaluation(parser, steps="--attack-steps")
    _card(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write policy.onnx, comparison.html, training.html and reports there",
    )
    _webhook(parser)


def _training(parser: argparse.ArgumentParser, *, method: str) -> None:
    parser.add_argument("--method", default=method, help=f"see `saddlepoint defenses` (default: {method})")
    parser.add_argument(
        "--steps", type=positive, metavar="N", dest="train_steps", help="steps of the training (default: 100 million)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the training (default: 0)")
    parser.add_argument("--name", help="of the policy that comes of it")
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        action="extend",
        type=setting,
        dest="config",
        metavar="FIELD=VALUE",
        help="further fields of the trainer's configuration, such as learning_rate=0.001 (see /v1/defenses)",
    )


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sides",
        nargs="+",
        type=side,
        metavar="[METHOD=]ID[,ID...]",
        help="a baseline and a candidate, or methods by name; several ids are the training runs of one method",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write comparison.json, .html and .md there")
    _webhook(parser)


def _leaderboard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", metavar="ID", help="only boards of this environment")
    parser.add_argument("--top", type=positive, default=10, metavar="N", help="policies of each (default: 10)")


def _keys(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", metavar="verb", required=True)
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument(
        "--data", type=Path, default=Path("data"), metavar="DIR", help="of `up`; SADDLEPOINT_STORE_URL wins"
    )
    create = verbs.add_parser("create", help="make a key and print it, this once", parents=[place])
    create.add_argument("--tenant", required=True, metavar="NAME", help="whose data it opens")
    create.add_argument("--scopes", metavar="LIST", help="of read, submit, admin; default: read,submit")
    create.add_argument("--name", metavar="TEXT", help="what it is for")
    listed = verbs.add_parser("list", help="the keys, without what opens anything", parents=[place])
    listed.add_argument("--tenant", metavar="NAME", help="of this tenant only")
    verbs.add_parser("revoke", help="make a key open nothing, for good", parents=[place]).add_argument("id")


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, default=Path("data"), metavar="DIR", help="of `up`; SADDLEPOINT_STORE_URL wins"
    )


def _up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=positive, metavar="N", help="default: one a core")
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="default: data")
    parser.add_argument("--port", type=int, default=8000, metavar="P", help="default: 8000; 0 is any free one")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=positive, metavar="N", help="default: one a core")
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="default: demo")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)
    parser.epilog = "example: saddlepoint completion bash > ~/.local/share/bash-completion/completions/saddlepoint"


def _env(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument(
        "--env", required=required, type=object_or_text, metavar="ID", help="such as BoxingNoFrameskip-v4"
    )
    parser.add_argument(
        "--env-option",
        nargs="+",
        default=[],
        action="extend",
        type=environment_option,
        dest="env_options",
        metavar="KEY=VALUE",
        help="such as frame_stack=1 frame_size=64x64 grayscale=false full_action_space=true sticky=0.25",
    )


def _card(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--card", type=Path, metavar="FILE", help="JSON hints on what the file cannot say")
    parser.add_argument(
        "--vecnormalize", type=Path, metavar="FILE", help="what SB3's VecNormalize.save wrote beside the policy"
    )


def _webhook(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--webhook", metavar="URL", help="https URL that is told of the end, also if nobody waits")


def _out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help="write report.json, .html, .md, .csv and a badge there")
