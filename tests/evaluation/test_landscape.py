"""The KL landscape: states, divergences, result and page."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from saddlepoint.evaluation.landscape import Columns, survey, survey_chunk
from saddlepoint.evaluation.landscape_page import render_landscape
from saddlepoint.evaluation.landscape_result import fold_landscape, summarised
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.landscapes import CHUNK_STATES, LandscapeRecord, LandscapeResult, LandscapeSpec
from saddlepoint.schemas.plans import PolicyHead
from saddlepoint.schemas.policies import InputDescription
from tests.attacks.toys import LinearPolicy
from tests.evaluation.corridor import Corridor, honest_policy
from tests.evaluation.episodes import CARD
from tests.evaluation.networks import balancing_policy
from tests.evaluation.plans import CARTPOLE, CORRIDOR


def spec_of(**fields: Any) -> LandscapeSpec:
    given = {"policy_ids": ["policy"], "env": "Corridor-v0", "epsilon": 0.1, "states": 16, "starts": 4, **fields}
    return LandscapeSpec.model_validate(given)


def surveyed(spec: LandscapeSpec, chunk: int = 0, policy: LinearPolicy | None = None) -> Columns:
    return survey(policy or honest_policy(), PolicyHead(), spec, CORRIDOR, Corridor(8), chunk)


def test_the_largest_divergence_by_hand() -> None:
    """logits (5x, -5x) at x = 0.25: CE ends at the near edge of the ball, where log-odds are 10 x 0.15, from any start
    but those are all the same; without steps the starts spread over the ball."""
    same = surveyed(spec_of(steps=7))["max_kl"]
    assert same.max() < 1e-6
    spread = surveyed(spec_of(steps=0, starts=50))["max_kl"]

    def kl(x: float, y: float) -> float:
        p, q = 1 / (1 + np.exp(-10 * x)), 1 / (1 + np.exp(-10 * y))
        return float(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))

    bound = max(kl(0.35, 0.15), kl(0.15, 0.35))
    assert ((0.5 * bound < spread) & (spread <= bound + 1e-6)).all()


def test_as_many_states_are_looked_at_as_asked_for() -> None:
    spec = spec_of(states=CHUNK_STATES + 5, figure5_states=2)
    first, second = surveyed(spec), surveyed(spec, 1)
    assert (len(first["max_kl"]), len(second["max_kl"])) == (CHUNK_STATES, 5)
    assert first["matrices"].shape == (2, 4, 4)
    assert "matrices" not in second
    assert (first["matrices"].max(axis=(1, 2)) == first["max_kl"][:2]).all()


def test_a_chunk_follows_from_seed_and_number() -> None:
    spec = spec_of(steps=0)
    one, again = surveyed(spec)["max_kl"], surveyed(spec)["max_kl"]
    other = surveyed(spec_of(steps=0, seed=1))["max_kl"]
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_total_variation_stands_beside_kl() -> None:
    found = surveyed(spec_of(steps=0))
    assert ((found["max_tv"] >= 0) & (found["max_tv"] <= 1)).all()


def test_a_real_environment_is_surveyed() -> None:
    card = CARD.model_copy(update={"observation": InputDescription(shape=(4,)), "actions": 2})
    spec = spec_of(env="CartPole-v1", epsilon=0.2, steps=0, states=8, starts=5, epsilon_scale=[1, 1, 0.1, 1])
    found = survey_chunk(balancing_policy(), card, spec, CARTPOLE, 0)
    assert found["max_kl"].shape == (8,)
    assert (found["max_kl"] > 0).any()


def result(*names: str, matrices: int = 2) -> LandscapeResult:
    names = names or ("standard", "ATPA")
    spec = spec_of(policy_ids=[f"p{index}" for index in range(len(names))], figure5_states=matrices)
    record = LandscapeRecord(
        id="it",
        owner="me",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        chunks=len(names),
        chunk_timeout_s=1.0,
        spec=spec,
        environment=CORRIDOR,
    )
    rng = np.random.default_rng(0)

    def chunk(scale: float) -> dict[str, NDArray[Any]]:
        drawn = np.exp(rng.normal(scale, 1, (8, 4, 4)))
        found = {"max_kl": drawn.max(axis=(1, 2)), "max_tv": rng.random(8)}
        return found | ({"matrices": drawn[:matrices]} if matrices else {})

    return fold_landscape(record, names, [[chunk(-2.0 * index)] for index in range(len(names))])


def test_chunks_come_together_in_order() -> None:
    found = result()
    assert [policy.name for policy in found.policies] == ["standard", "ATPA"]
    assert all(len(policy.max_kl) == 8 and len(policy.matrices) == 2 for policy in found.policies)
    summary = summarised(found.policies[0])
    assert summary.states == 8
    assert summary.median <= summary.quantile90 <= summary.largest == max(found.policies[0].max_kl)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def test_the_page_has_both_figures_and_fetches_nothing() -> None:
    page = render_landscape(result())
    tags = Tags()
    tags.feed(page)
    assert (tags.seen.count("svg"), tags.seen.count("img"), tags.seen.count("script")) == (2, 5, 0)
    sources = re.findall(r'(?:src|href)="([^"]{0,22})', page)
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_names_cannot_leave_their_place() -> None:
    page = render_landscape(result("<script>alert(1)</script>"))
    assert "<script" not in page


def test_a_page_without_matrices_or_divergence_is_made_too() -> None:
    assert "Single states" not in render_landscape(result(matrices=0))
    flat = result("flat")
    nothing = flat.policies[0].model_copy(update={"max_kl": [0.0] * 8, "matrices": [[[0.0] * 4] * 4]})
    assert "Single states" in render_landscape(flat.model_copy(update={"policies": [nothing]}))


def test_the_same_result_gives_the_same_bytes() -> None:
    found = result()
    assert render_landscape(found) == render_landscape(found)


def test_the_defaults_are_the_papers() -> None:
    spec = LandscapeSpec(policy_ids=("p",), env=EnvironmentSpec(id="BoxingNoFrameskip-v4"))
    attack = spec.attack
    assert (spec.starts, attack.epsilon, attack.steps, attack.step_size, attack.kind) == (50, 4.0, 7, 2.0, "ce")


@pytest.mark.parametrize("side", [1, 3, 50])
def test_pictures_are_read_back_by_a_library(side: int) -> None:
    image = pytest.importorskip("PIL.Image")
    import io

    from saddlepoint.evaluation.png import heat, to_png

    pixels = heat(np.linspace(0, 1, side * side).reshape(side, side))
    back = np.asarray(image.open(io.BytesIO(to_png(pixels))))
    assert np.array_equal(back, pixels)
