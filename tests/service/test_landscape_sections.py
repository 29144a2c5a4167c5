"""A landscape that is made after an evaluation stands in its page, and in nothing that is stored."""

import pytest

from saddlepoint.endings import end
from saddlepoint.evaluation.html import render_html
from saddlepoint.evaluation.landscape_page import render_section
from saddlepoint.landscape_index import index_keys
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Progress
from saddlepoint.schemas.landscapes import LandscapeRecord
from saddlepoint.store import get_record
from saddlepoint.work import LANDSCAPE
from tests.evaluation.sample_report import sample_report
from tests.evaluation.test_landscape import result
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio


async def test_a_page_shows_a_later_landscape_and_is_stored_as_it_was(bench: Bench) -> None:
    job = (await bench.evaluate()).json()
    page = render_html(sample_report()).encode()
    key = keys.evaluation_report(job["id"], "html")
    bench.store.put(key, page)
    bench.finish(job["id"])
    bench.context.evaluations.forget(job["id"])
    url = f"/v1/evaluations/{job['id']}/report?format=html"
    before = await bench.api.get(url)
    assert before.content == page

    body = {"policy_ids": [job["policy_id"]], "env": "BoxingNoFrameskip-v4", "states": 8}
    landscape = (await bench.api.post("/v1/landscapes", json=body)).json()["id"]
    record = get_record(bench.store, LANDSCAPE.spec(landscape), LandscapeRecord)
    section = render_section(result(), "p0").encode()
    bench.store.put(keys.landscape_section(landscape, job["policy_id"]), section)
    for entry in index_keys(record):
        bench.store.put(entry, b"")
    assert (await bench.api.get(url)).content == page
    end(bench.store, bench.queue, LANDSCAPE, landscape, "succeeded", progress=Progress())

    after = await bench.api.get(url, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert section in after.content
    assert b"saddlepoint landscape POLICY_FILE" not in after.content
    assert bench.store.get(key) == page
    known = await bench.api.get(url, headers={"If-None-Match": after.headers["etag"]})
    assert known.status_code == 304

    bench.store.delete(keys.landscape_section(landscape, job["policy_id"]))
    assert (await bench.api.get(url)).content == page
