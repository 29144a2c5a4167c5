"""Whether an ONNX graph says, beside its logits, what each action is worth: by the card, or by the name `q_values`."""

from collections.abc import Sequence

from saddlepoint.errors import PolicyRejected, ResourceLimit, UnsupportedArchitecture
from saddlepoint.policies.builder import Live
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_candidates import Reader, with_batch, without_step
from saddlepoint.schemas.policies import PolicyHints

NAME = "q_values"


def critic_of(reader: Reader, names: Sequence[str], width: int, hints: PolicyHints, guesses: list[str]) -> Live | None:
    """Q(s, .) of each row, (N, width), beside logits; None where none of the outputs called `names` is that.

    What the card names must be that, or UnsupportedArchitecture is raised. What is merely called so and is not, such as
    quantiles, is left out and told: it takes no part in acting.
    """
    stated = hints.outputs.get(NAME)
    if stated is None and NAME not in names:
        return None
    try:
        return _values(reader, stated or NAME, width)
    except ResourceLimit:
        raise
    except PolicyRejected as error:
        if stated is not None:
            raise
        guesses.append(f"output 'q_values' left out: {error.message}")
        return None


def _values(reader: Reader, name: str, width: int) -> Live:
    found = reader.lowering.value(name) if name in reader else None
    live = without_step(reader.lowering.build, found) if isinstance(found, Live) else None
    if live is None or live.shapes != with_batch((None, width)):
        raise UnsupportedArchitecture(
            f"'q_values' beside logits has one number per action, (N, {width}); the output {plain(name)!r} of this "
            "model has not. Correct or leave out the entry 'q_values' of the card's outputs."
        )
    return live
