"""One POST out of a network that nobody may look around in."""

import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.worker.receiver import NAME, Receiver, receiving
from worker.webhooks import NotPosted, Poster


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path) as made:
        yield made


def reason_of(poster: Poster, url: str) -> str:
    with pytest.raises(NotPosted) as caught:
        poster.post(url, b"body", {})
    return str(caught.value.args[0])


def test_the_name_is_kept_and_the_address_is_the_one_that_was_checked(receiver: Receiver) -> None:
    assert receiver.poster().post(receiver.url, b"body", {"webhook-id": "it"}) == 204
    ((headers, body),) = receiver.told
    assert (headers["host"], headers["webhook-id"], body) == (f"{NAME}:{receiver.port}", "it", b"body")
    assert receiver.names == [NAME]


def test_a_name_that_resolves_to_something_else_a_moment_later_changes_nothing(receiver: Receiver) -> None:
    poster = receiver.poster("127.0.0.1", "10.0.0.1")
    assert poster.post(receiver.url, b"body", {}) == 204
    assert receiver.resolved == [NAME]
    assert reason_of(poster, receiver.url) == "forbidden-address"
    assert len(receiver.told) == 1


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["10.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "192.168.0.1"]]
)
def test_a_name_that_leads_inside_is_not_followed(addresses: list[str]) -> None:
    """Not even where only one of its addresses does."""
    assert reason_of(Poster(resolve=lambda host, port: addresses), "https://example.com/") == "forbidden-address"


def test_all_addresses_of_a_name_are_tried(receiver: Receiver) -> None:
    poster = replace(receiver.poster(), resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"])
    everywhere = replace(poster, is_allowed=lambda address: True)
    assert reason_of(poster, receiver.url) == "forbidden-address"
    assert everywhere.post(receiver.url, b"body", {}) == 204


def test_an_address_in_the_url_is_looked_at_too(receiver: Receiver) -> None:
    assert reason_of(Poster(tls=receiver.tls), f"https://127.0.0.1:{receiver.port}/") == "forbidden-address"
    assert receiver.told == []


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    assert receiver.poster().post(receiver.url, b"body", {}) == 302
    assert len(receiver.told) == 1


def test_who_does_not_answer_is_not_waited_for(receiver: Receiver) -> None:
    receiver.answers = [0]
    started = time.monotonic()
    assert reason_of(receiver.poster(total_s=0.3), receiver.url) == "timeout"
    assert reason_of(receiver.poster(step_s=0.3), receiver.url) == "timeout"
    assert time.monotonic() - started < 2


def test_a_certificate_that_nobody_vouches_for_is_refused(receiver: Receiver) -> None:
    poster = Poster(resolve=lambda host, port: ["127.0.0.1"], is_allowed=lambda address: True)
    assert reason_of(poster, receiver.url) == "no-connection"
    stranger = receiver.url.replace(NAME, "stranger.test")
    assert reason_of(receiver.poster(), stranger) == "no-connection"
    assert receiver.told == []
    assert poster.tls.verify_mode == ssl.CERT_REQUIRED


def test_a_name_that_is_none_is_told(receiver: Receiver) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    assert reason_of(Poster(resolve=fail), receiver.url) == "unresolved"
    assert reason_of(Poster(), "https://" + "a" * 70 + ".invalid/") == "unresolved"
