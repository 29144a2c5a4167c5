"""Which URLs and which addresses may be told anything."""

import pytest

from saddlepoint.errors import InvalidWebhook
from saddlepoint.schemas.addresses import is_public
from saddlepoint.schemas.webhooks import check_webhook_url, webhook_id


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "198.41.0.4", "2606:4700::1111", "2a00:1450:4001:80b::200e"])
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
        "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "localhost", "", "8.8.8", "0x7f000001",
    ],
)  # fmt: skip
def test_nothing_else_is(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://example.com:8443/a?b=c", "https://8.8.8.8/", "https://[2606:4700::1111]/x"]
)
def test_a_url_with_a_name_or_a_public_address_may_be_told(url: str) -> None:
    check_webhook_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "http://example.com", "ftp://example.com", "https://", "https:///x", "https://user@example.com",
        "https://user:secret@example.com", "https://example.com/#a", "https://127.0.0.1/", "https://[::1]/",
        "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "https://a b/", "https://example.com:x/",
        "https://example.com:99999/", "https://exämple.com/", "https://example.com/\r\nHost: x", "https://[::1",
        "https://example.com/" + "x" * 2000,
    ],
)  # fmt: skip
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidWebhook):
        check_webhook_url(url)


def test_the_same_wish_is_the_same_webhook() -> None:
    ids = {webhook_id("training", "a", "https://x"), webhook_id("training", "a", "https://y")}
    assert len({*ids, webhook_id("training", "a", "https://x")}) == 2
