"""Which addresses lie out in the internet, so that nobody inside can be reached by naming one of them."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

_NOT_IN_IPV4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
"""Protocol assignments and relays, which Python counts as global."""
_IPV6 = IPv6Network("2000::/3")
_NOT_IN_IPV6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""Teredo and its neighbours, documentation, 6to4."""


def is_public(text: str) -> bool:
    """Whether this is a unicast address of the public internet, and stands for no other address.

    Of IPv6 only what IANA gives out counts: not what maps, translates or tunnels to IPv4 (::ffff:0:0/96, 64:ff9b::/96,
    2002::/16), whose other end may be inside.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        is_inside = address.is_multicast or any(address in network for network in _NOT_IN_IPV4)
        return address.is_global and not is_inside
    return address.is_global and address in _IPV6 and not any(address in network for network in _NOT_IN_IPV6)
