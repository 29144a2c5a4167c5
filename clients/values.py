"""Words of the command line as values. Each raises ArgumentTypeError, which says how it is written."""

import argparse
import json
import math
import re
from typing import Any

_SIZE = re.compile(r"(\d+)x(\d+)")


def object_or_text(text: str) -> Any:
    """A name, or an object as JSON."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a name or a JSON object is needed; {text!r} is neither") from error


def number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"a finite number is needed, got {text!r}")
    return number


def setting(text: str) -> tuple[str, Any]:
    """`field=value` with the value as JSON, or as text where it is none."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"a setting is written field=value, got {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def environment_option(text: str) -> tuple[str, Any]:
    """A setting whose value may also be a size such as 64x64."""
    name, value = setting(text)
    if isinstance(value, str) and (size := _SIZE.fullmatch(value)):
        return name, [int(size[1]), int(size[2])]
    return name, value


def ids(text: str) -> list[str]:
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError(f"at least one id is needed, got {text!r}")
    return found


def side(text: str) -> tuple[str, list[str]]:
    """A name, empty where there is none, and ids."""
    name, _, listed = text.rpartition("=")
    return name, ids(listed)


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on is needed, got {text!r}")
    return int(text)
