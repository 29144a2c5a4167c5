"""Gaussians under the names that files usually give them: a mean, and beside it a deviation or the logarithm of one."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from saddlepoint.errors import PolicyRejected, ResourceLimit, UnsupportedArchitecture
from saddlepoint.policies.builder import GraphBuilder, Known, Live, Value
from saddlepoint.policies.found import Floats, Step
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_candidates import Candidate, Reader, with_batch, without_step
from saddlepoint.schemas.policies import DEVIATION

MEAN, LOG_STD = "mean", "log_std"
_USUAL: Mapping[str, frozenset[str]] = {
    MEAN: frozenset({"mean", "means", "actionmean", "actionmeans", "meanactions", "mu", "loc"}),
    LOG_STD: frozenset({"logstd", "logstds", "logstdev", "actionlogstd", "logsigma", "logscale"}),
    DEVIATION: frozenset({"std", "stds", "stddev", "stdev", "sigma", "scale", "actionstd"}),
}
"""How files call each part, case and separators aside."""


def gaussian_of(
    reader: Reader, candidates: Sequence[Candidate], names: Sequence[str], told: Mapping[str, str], guesses: list[str]
) -> dict[str, str] | None:
    """The mean and the `log_std` or `std` of a file by their names in it, as the card tells, else by usual names.

    None unless both are there with one number each for every number of an action and, where the card names neither,
    nothing beside them has several numbers a row: that could be a choice of actions, or the action that is played.
    """
    parts = {part: name for part in (MEAN, *_deviations(names, told)) if (name := _name_of(part, names, told))}
    if len(parts) < 2:
        return None
    if DEVIATION not in told:
        width = _width(reader, parts)
        if width is None or (not told and any(_may_act(reader, item, parts) for item in candidates)):
            return None
    guessed = [part for part, name in parts.items() if part not in told and (part != name or part == DEVIATION)]
    guesses.extend(_told(part, parts[part]) for part in guessed)
    return parts


def _deviations(names: Sequence[str], told: Mapping[str, str]) -> Sequence[str]:
    """Which of `log_std` and `std` is meant, the former where a file has both."""
    if DEVIATION in told or (LOG_STD not in told and not _name_of(LOG_STD, names, told)):
        return (DEVIATION,)
    return (LOG_STD,)


def _name_of(part: str, names: Sequence[str], told: Mapping[str, str]) -> str | None:
    """What the file calls it: as the card says, by its own name, else by the one usual name that is there."""
    if part in told:
        return told[part]
    if part in names:
        return part
    usual = [name for name in names if re.sub("[^a-z0-9]", "", name.lower()) in _USUAL[part]]
    return usual[0] if len(usual) == 1 else None


def _told(part: str, name: str) -> str:
    output = f"output {plain(name)!r}"
    return (
        f"{output} taken as a deviation: log_std is its logarithm" if part == DEVIATION else f"{output} taken as {part}"
    )


def _width(reader: Reader, parts: Mapping[str, str]) -> int | None:
    """How many numbers an action has, where both parts say the same."""
    mean, deviation = (computed(reader, name) for name in parts.values())
    if not isinstance(mean, Live) or len(mean.shapes[0]) != 2:
        return None
    width = mean.shapes[0][1]
    if mean.shapes != with_batch((None, width)):
        return None
    if isinstance(deviation, Known):
        return width if all(_is_per_number(tensor.shape, width) for tensor in deviation.at) else None
    return width if deviation is not None and deviation.shapes == mean.shapes else None


def _is_per_number(shape: Sequence[int], width: int) -> bool:
    return not shape or shape[-1] in (1, width)


def computed(reader: Reader, name: str) -> Value | None:
    """The output called `name` without an axis of steps, None where it cannot be computed."""
    try:
        value = reader.lowering.value(name)
    except ResourceLimit:
        raise
    except PolicyRejected:
        return None
    return without_step(reader.lowering.build, value) if isinstance(value, Live) else value


def _may_act(reader: Reader, item: Candidate, parts: Mapping[str, str]) -> bool:
    """Whether an output beside the two has several numbers a row: scores of actions, say, or the action itself."""
    shape = item.live.shapes[0]
    is_other = item.output not in parts.values() and not reader.is_memory(item.name)
    return is_other and (item.is_choice or (len(shape) == 2 and shape[1] > 1))


def logarithm(build: GraphBuilder, deviation: Value, parts: Mapping[str, str]) -> Value:
    """`log_std` of a deviation; UnsupportedArchitecture where a constant one is not above 0."""
    if isinstance(deviation, Known) and not all(bool((tensor > 0).all()) for tensor in deviation.at):
        mean, name = (plain(parts[part]) for part in (MEAN, DEVIATION))
        raise UnsupportedArchitecture(
            f"A standard deviation is above 0; the output {name!r} holds {float(deviation.at[0].min()):g}. If that is "
            f'the logarithm of one, say so in the card: {{"outputs": {{"mean": "{mean}", "log_std": "{name}"}}}}.'
        )
    return build.apply("Log", deviation)


def with_logarithm(step: Step, width: int) -> Step:
    """The file's own outputs, mean and deviation, with the logarithm of the latter."""

    def logarithmic(rows: Floats, states: Sequence[Floats]) -> tuple[Floats, Sequence[Floats]]:
        head, carried = step(rows, states)
        with np.errstate(divide="ignore", invalid="ignore"):  # what is not finite is refused where it is compared
            logarithms = np.log(head[:, width:])
        return np.concatenate([head[:, :width], logarithms], axis=1), carried

    return logarithmic


def twin_of(reader: Reader, names: Sequence[str], chosen: Candidate) -> str | None:
    """The first other output with as many numbers a row as `chosen`, which is taken for logits: perhaps a deviation."""
    if chosen.is_choice:
        return None
    others = [name for name in names if name != chosen.output and not reader.is_memory(name)]
    return next((name for name in others if _is_alike(computed(reader, name), chosen.live)), None)


def _is_alike(value: Value | None, live: Live) -> bool:
    if isinstance(value, Known):
        return value.at[0].is_floating_point() and value.at[0].shape[-1:] == live.shapes[0][1:]
    return value is not None and value.shapes == live.shapes
