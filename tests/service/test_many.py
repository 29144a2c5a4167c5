"""Pages stay quick and small while the store grows."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import UploadRequest
from service.pages.assets import PREFIX
from tests.service.bench import Bench, make_bench
from tests.service.doubles import put_policy
from tests.service.many import fill

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
COUNT, RUNNING = 10_000, 30
MOST_S = 0.1
"""Of this process, for a service that has read nothing yet; what others do on the machine does not count."""
MOST_BYTES = 200_000
TRIES = 3
PAGES = ["/", "/evaluations", "/evaluations/new?policy={policy}", "/evaluations/{ended}", "/evaluations/{running}"]
PAGES += ["/policies", "/policies/{policy}", "/trainings", "/workers", "/reference", "/docs", "/v1/evaluations"]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder, and what stands for the names in paths."""
    folder = tmp_path_factory.mktemp("many")
    ids = fill(folder / "store", COUNT, running=RUNNING, policy_id="policy")
    return folder, {"ended": ids[0], "running": ids[-1], "policy": "policy"}


@pytest.fixture
async def bench(grown: tuple[Path, dict[str, str]]) -> AsyncIterator[Bench]:
    """A service that has read nothing yet."""
    made = make_bench(grown[0])
    async with made.api:
        yield made


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_takes_a_tenth_of_a_second_with_ten_thousand_evaluations(
    grown: tuple[Path, dict[str, str]], path: str
) -> None:
    times = []
    for _ in range(TRIES):
        made = make_bench(grown[0])
        put_card(made)
        if path == "/docs":
            made.app.openapi()  # made once in the life of a process
        await made.api.get("/livez")
        started = time.process_time()
        answer = await made.api.get(path.format(**grown[1]))
        times.append(time.process_time() - started)
        assert answer.status_code == 200
        await made.api.aclose()
    assert min(times) <= MOST_S, f"{path} took {min(times):.3f} s"


@pytest.mark.parametrize("path", PAGES[:-1])
async def test_a_page_is_small_with_everything_that_it_loads(
    bench: Bench, grown: tuple[Path, dict[str, str]], path: str
) -> None:
    put_card(bench)
    answer = await bench.api.get(path.format(**grown[1]))
    size = len(answer.content)
    wanted: set[str] = set(re.findall(rf'"({PREFIX}[^"]+)"', answer.text))
    seen: set[str] = set()
    while wanted - seen:
        url = min(wanted - seen)
        seen.add(url)
        data = (await bench.api.get(url)).content
        size += len(data)
        wanted |= {f"{url.rpartition('/')[0]}/{name}" for name in re.findall(r'from "\./([^"]+)"', data.decode())}
    assert size <= MOST_BYTES, f"{path} is {size:,} bytes"


async def test_what_goes_on_is_shown_whatever_came_after(bench: Bench) -> None:
    put_card(bench)
    page = (await bench.api.get("/")).text
    assert "and 20 more evaluations" in page
    assert page.count("0 of 200 episodes") == 10


def put_card(bench: Bench) -> None:
    """The policy that all of them are of."""
    request = UploadRequest.model_validate(
        {
            **{"upload_id": "u", "policy_id": "policy", "owner": "default", "sha256": "s", "size": 1},
            **{"filename": None, "hints": {"name": "boxer"}, "created_at": "2026-01-01T00:00:00Z"},
        }
    )
    if not bench.store.exists(keys.policy_card("policy")):
        put_policy(bench.store, bench.workers.card(request))
