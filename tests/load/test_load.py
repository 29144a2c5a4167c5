"""What measures a load counts right."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.load.connections import Answers, ask, request
from tests.load.figures import Figure, table
from tests.load.soak import Sample, grown
from tests.service.live import serving


def test_a_percentile_is_a_latency_that_was_measured() -> None:
    answers = Answers([0.3, 0.1, 0.2, 0.4])
    assert [answers.percentile(share) for share in (0.0, 0.5, 0.99, 1.0)] == [0.1, 0.3, 0.4, 0.4]


@pytest.mark.parametrize(
    ("value", "least", "most", "is_missed"),
    [(9.0, 10.0, None, True), (10.0, 10.0, None, False), (50.1, None, 50.0, True), (1.0, None, None, False)],
)
def test_a_figure_is_missed_beyond_its_goal(
    value: float, least: float | None, most: float | None, is_missed: bool
) -> None:
    figure = Figure("polls", value, "/s", least, most)
    assert figure.is_missed == is_missed
    assert table([figure]).endswith("MISSED") == is_missed


def test_every_answer_is_counted_whatever_pieces_it_comes_in() -> None:
    seen = []

    async def answer(request: Request) -> Response:
        seen.append(request.headers["authorization"])
        return Response(b"x" * 300_000, status_code=200 if len(seen) % 2 else 404)

    with serving(Starlette(routes=[Route("/", answer)])) as url:  # type: ignore[arg-type]
        port = int(url.rpartition(":")[2])
        answers = asyncio.run(ask(port, [request("GET", "/", "k")], connections=2, seconds=0.5))
    assert len(answers.seconds) == len(seen) > 4
    assert answers.failures == len(seen) // 2
    assert set(seen) == {"Bearer k"}


def test_a_soak_tells_growth_from_ups_and_downs() -> None:
    """A megabyte a minute and 10 keys; of the descriptors, which come and go, one stays that was not there."""
    samples = [
        Sample(at_s=at * 60.0, resident_bytes=at * 10**6, descriptors=20 + at % 3 + (at >= 20), redis_keys=10 * at)
        for at in range(31)
    ]
    figures = grown(samples)
    assert [figure.value for figure in figures] == pytest.approx([60.0, 1.0, 100.0])
    assert [figure.is_missed for figure in figures] == [True, True, False]
