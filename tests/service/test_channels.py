"""Jobs that many follow at once."""

import asyncio
from collections.abc import Iterator

import pytest
from fastapi.sse import ServerSentEvent

from saddlepoint.errors import ArtifactNotFound, SaddlepointError, StoreError, Unavailable
from saddlepoint.schemas.evaluations import Evaluation
from service import channels
from service.channels import Channel
from service.snapshots import Snapshot
from tests.service.test_events import evaluation

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "STEP_S", 0.01)
    monkeypatch.setattr(channels, "AWAY_S", 0.01)


class Source:
    """A job that is in these states one after another, and then stays in the last."""

    def __init__(self, *states: Evaluation | SaddlepointError) -> None:
        self.states: Iterator[Evaluation | SaddlepointError] = iter(states)
        self.state = next(self.states)
        self.looks = 0

    async def get(self) -> Snapshot[Evaluation]:
        self.looks += 1
        state, self.state = self.state, next(self.states, self.state)
        if isinstance(state, SaddlepointError):
            raise state
        return Snapshot.of("me", state, float(self.looks))


async def told(channel: Channel[Evaluation], last_event_id: str | None = None) -> list[str | None]:
    return [event.event async for event in channel.follow(last_event_id)]


@pytest.mark.parametrize("error", [Unavailable("away"), StoreError("The disk does not answer.")])
async def test_a_store_or_a_redis_that_is_away_is_waited_for(error: SaddlepointError) -> None:
    source = Source(evaluation(), error, evaluation("succeeded"))
    assert await told(Channel(source.get)) == ["progress", "terminal"]


async def test_what_is_gone_for_good_ends_the_stream() -> None:
    stream = Channel(Source(evaluation(), ArtifactNotFound("Gone.")).get).follow(None)
    assert (await anext(stream)).event == "progress"
    with pytest.raises(ArtifactNotFound):
        await anext(stream)


async def test_a_look_is_for_all_and_news_are_put_into_words_once() -> None:
    begun = evaluation()
    source = Source(*[begun] * 101, evaluation(done=3), evaluation("succeeded", 9))
    channel = Channel(source.get)

    async def heard() -> list[ServerSentEvent]:
        return [event async for event in channel.follow(None)]

    streams = await asyncio.gather(*(heard() for _ in range(100)))
    assert [event.event for event in streams[0]] == ["progress", "progress", "terminal"]
    assert {tuple(map(id, stream)) for stream in streams} == {tuple(map(id, streams[0]))}
    assert source.looks == 103


async def test_one_who_was_slow_is_told_the_latest_at_once() -> None:
    channel = Channel(Source(*[evaluation()] * 3, evaluation(done=3), evaluation("succeeded", 9)).get)
    slow, quick = channel.follow(None), channel.follow(None)
    assert [(await anext(stream)).event for stream in (slow, quick)] == ["progress", "progress"]
    assert [event.event async for event in quick] == ["progress", "terminal"]
    assert [event.event async for event in slow] == ["terminal"]


async def test_a_reader_who_leaves_does_not_disturb_the_others() -> None:
    channel = Channel(Source(*[evaluation()] * 30, evaluation("succeeded", 9)).get)
    leaving, staying = asyncio.create_task(told(channel)), asyncio.create_task(told(channel))
    await asyncio.sleep(0.05)
    leaving.cancel()
    assert await staying == ["progress", "terminal"]
    assert channel.readers == 0


async def test_nobody_looks_when_nobody_follows() -> None:
    source = Source(evaluation())
    reader = asyncio.create_task(told(Channel(source.get)))
    await asyncio.sleep(0.1)
    reader.cancel()
    await asyncio.sleep(0.05)
    looks = source.looks
    await asyncio.sleep(0.1)
    assert source.looks == looks


async def test_readers_may_come_at_any_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "STEP_S", 0)
    states = [evaluation(done=done) for done in range(9)] * 50
    channel = Channel(Source(*states, evaluation("succeeded", 9)).get)
    readers = []
    for _ in range(200):
        readers.append(asyncio.create_task(told(channel)))
        await asyncio.sleep(0)
    assert {stream[-1] for stream in await asyncio.gather(*readers)} == {"terminal"}
