"""Attacking observations that somebody sends: batches of one width, rows independent of one another."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saddlepoint.attacks.ball import Bounds, norms
from saddlepoint.attacks.network import AttackedNetwork
from saddlepoint.attacks.pgd import Extras, Perturbed, perturb
from saddlepoint.attacks.rows import Rows
from saddlepoint.envs.seeding import Purpose, stream, uniform_rows
from saddlepoint.errors import InvalidRequest
from saddlepoint.evaluation.choosing import Choice, choice_of
from saddlepoint.policies.black_box import BlackBox
from saddlepoint.policies.network import PolicyNetwork, load_network
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.observation_attacks import (
    CHUNK_ROWS,
    WIDTH,
    AttackSummary,
    ObservationArray,
    ObservationAttackSpec,
    resolved,
    spaces_of,
)
from saddlepoint.schemas.plans import head_of
from saddlepoint.schemas.policies import PolicyCard

Columns = dict[str, NDArray[Any]]


def read_observations(data: bytes, array: ObservationArray) -> NDArray[Any]:
    """The array of an .npy file, (N, *obs), whose header was found to be `array`. Raises InvalidRequest."""
    try:
        found: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InvalidRequest("The observations are no .npy array; write them with numpy.save.") from error
    if found.shape != array.shape or str(found.dtype) != array.dtype:
        raise InvalidRequest(
            f"The observations are {found.dtype} of shape {list(found.shape)}, and their header said {array.dtype} of "
            f"shape {list(array.shape)}; write them with numpy.save."
        )
    return found


def attack_chunk(
    model: bytes,
    card: PolicyCard,
    spec: ObservationAttackSpec,
    observations: NDArray[Any],
    chunk: int,
    *,
    alive: Callable[[], None] = lambda: None,
) -> bytes:
    """A chunk of the rows attacked, as .npz. All randomness is keyed (seed, row). Raises InvalidRequest."""
    torch.set_num_threads(1)
    first = chunk * CHUNK_ROWS
    rows = observations[first : first + CHUNK_ROWS].astype(np.float32)
    if not np.isfinite(rows).all():
        raise InvalidRequest("The observations hold NaN or infinity; an attack needs finite numbers.")
    array = ObservationArray(shape=observations.shape, dtype=str(observations.dtype))
    spaces = spaces_of(spec, array, card)
    network, attack = load_network(model), resolved(spec)
    attacker = _Attacker(
        network,
        BlackBox(network, model) if attack.kind == "square" else network,
        attack,
        spec.seed,
        Bounds.of(spaces.observation, scale=spec.epsilon_scale),
        choice_of(head_of(card), spaces),
    )
    parts = []
    for start in range(0, len(rows), WIDTH):
        parts.append(attacker.attack(rows[start : start + WIDTH], first + start))
        alive()
    return to_npz(joined(parts))


class _Attacker:
    def __init__(
        self,
        network: PolicyNetwork,
        black_box: AttackedNetwork,
        attack: ResolvedAttack,
        seed: int,
        bounds: Bounds,
        choice: Choice,
    ) -> None:
        self._network, self._black_box, self._attack, self._seed = network, black_box, attack, seed
        self._bounds, self._choice = bounds, choice

    def attack(self, observations: NDArray[np.float32], first: int) -> Columns:
        """Up to WIDTH rows, which are padded to it by copies of the last; `first` numbers them."""
        count, shape = len(observations), observations.shape[1:]
        padded = np.concatenate([observations, np.repeat(observations[-1:], WIDTH - count, axis=0)])
        numbers = [min(first + row, first + count - 1) for row in range(WIDTH)]

        def noise(purpose: Purpose, step: int) -> torch.Tensor:
            drawn = uniform_rows([self._seed] * WIDTH, numbers, [step] * WIDTH, purpose, shape)
            return torch.from_numpy(drawn)

        given = torch.from_numpy(padded)
        rows = Rows.of([self._attack] * WIDTH)
        searches = [stream(self._seed, row, 0, Purpose.SEARCH) for row in numbers]
        found = perturb(
            self._network,
            given,
            rows,
            noise(Purpose.START_NOISE, 0),
            self._bounds,
            head=self._choice.head(torch.zeros(WIDTH, dtype=torch.bool)),
            black_box=self._black_box,
            extras=Extras(
                restart_noise=lambda number: noise(Purpose.RESTART, number),
                streams=searches,
                critic=self._network.critic(self._network.to_attack_layout(given)) if rows.asks_critic else None,
            ),
        )
        columns = {name: values[:count] for name, values in self._columns(found, given).items()}
        if not all(np.isfinite(columns[name]).all() for name in ("loss", "clean_loss")):
            raise InvalidRequest(
                "A policy must answer with finite numbers; it gave NaN or infinity on these observations or on what "
                "the attack made of them. Send observations such as it was trained on, or lower epsilon."
            )
        return columns

    def _columns(self, found: Perturbed, given: torch.Tensor) -> Columns:
        with torch.no_grad():
            columns = {
                "observations": found.observation,
                "loss": found.loss,
                "clean_loss": found.clean_loss,
                "linf": found.linf,
                "l2": norms(found.observation - given),
                "outputs": found.outputs,
                "clean_outputs": found.clean_outputs,
            }
            differences = self._choice.differences(found.clean_outputs, found.outputs)
            if "flips" in differences:
                columns["flip"] = differences["flips"]
        return {name: values.numpy() for name, values in columns.items()}


def joined(parts: Sequence[Mapping[str, NDArray[Any]]]) -> Columns:
    """The same columns, one part's rows after the other's."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def to_npz(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Equal columns give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **columns)
    return buffer.getvalue()


def from_npz(data: bytes) -> Columns:
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def summary_of(columns: Mapping[str, NDArray[Any]]) -> AttackSummary:
    return AttackSummary(
        rows=len(columns["loss"]),
        flip_rate=float(columns["flip"].mean()) if "flip" in columns else None,
        mean_loss=float(columns["loss"].mean()),
        mean_clean_loss=float(columns["clean_loss"].mean()),
        max_linf=float(columns["linf"].max()),
    )
