"""Hosts on a network of their own, made of namespaces that are gone afterwards; each can be cut off.

A bridge in a namespace is the switch; every host is a namespace with one cable to it, and so has this process.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

import pytest

_CABLE = "eth0"
_TESTS = 254
"""The last byte of this process's address."""


@dataclass(frozen=True)
class Network:
    """Hosts by name, in the order of their addresses."""

    name: str
    subnet: str
    hosts: tuple[str, ...]

    def address(self, host: str) -> str:
        return f"{self.subnet}.{self.hosts.index(host) + 1}"

    def inside(self, host: str) -> tuple[str, ...]:
        """What stands in front of a command to run it on a host."""
        return ("ip", "netns", "exec", self._namespace(host))

    @contextmanager
    def unplugged(self, host: str) -> Iterator[None]:
        """Its cable is out: it knows at once that nothing can be reached."""
        _ip("-n", self._namespace(host), "link", "set", _CABLE, "down")
        try:
            yield
        finally:
            _ip("-n", self._namespace(host), "link", "set", _CABLE, "up")

    @contextmanager
    def deafened(self, host: str) -> Iterator[None]:
        """Its packets and those for it vanish on the way, and nobody is told."""
        self._set_port(host, "disabled")
        try:
            yield
        finally:
            self._set_port(host, "forwarding")

    def _set_port(self, host: str, state: str) -> None:
        number = {"disabled": "0", "forwarding": "3"}[state]
        _run("ip", "netns", "exec", self._namespace("switch"), "bridge", "link", "set", "dev", host, "state", number)

    def _namespace(self, host: str) -> str:
        return f"{self.name}-{host}"


Cut = Callable[[Network, str], AbstractContextManager[None]]


@contextmanager
def running_network(*hosts: str) -> Iterator[Network]:
    """A network, or a skip where it may not be made; in CI, as root on Linux, it must be."""
    if reason := _why_not():
        pytest.skip(reason)
    mark = uuid4()
    # A range for tests between networks (RFC 2544), which no real host has.
    network = Network(f"sp{mark.hex[:6]}", f"198.18.{mark.bytes[0]}", hosts)
    with ExitStack() as cleanup:
        for host in ("switch", *hosts):
            _ip("netns", "add", network._namespace(host))
            cleanup.callback(_remove, network._namespace(host))
        switch = network._namespace("switch")
        _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge", "up")
        for host in hosts:
            _plug(switch, host, network._namespace(host), f"{network.address(host)}/24")
        _plug_us(switch, network)
        cleanup.callback(_unplug_us, network)
        yield network


def _why_not() -> str | None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces need root on Linux"
    reason = None
    if not (shutil.which("ip") and shutil.which("bridge")):
        reason = "there is no iproute2"
    else:
        probe = f"sp{uuid4().hex[:6]}"
        if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
            reason = "network namespaces are not permitted here"
        else:
            _remove(probe)
    assert not (reason and os.environ.get("CI") == "true"), reason
    return reason


def _plug(switch: str, host: str, namespace: str, address: str) -> None:
    _ip("-n", switch, "link", "add", host, "type", "veth", "peer", "name", _CABLE, "netns", namespace)
    _ip("-n", switch, "link", "set", host, "master", "bridge", "up")
    _ip("-n", namespace, "address", "add", address, "dev", _CABLE)
    for device in ("lo", _CABLE):
        _ip("-n", namespace, "link", "set", device, "up")


def _plug_us(switch: str, network: Network) -> None:
    _ip("link", "add", network.name, "type", "veth", "peer", "name", "tests", "netns", switch)
    _ip("-n", switch, "link", "set", "tests", "master", "bridge", "up")
    _ip("address", "add", f"{network.subnet}.{_TESTS}/24", "dev", network.name)
    _ip("link", "set", network.name, "up")


def _unplug_us(network: Network) -> None:
    with suppress(subprocess.CalledProcessError):
        _ip("link", "delete", network.name)


def _remove(namespace: str) -> None:
    """Its cable goes with it; a process that still lives in it would keep both."""
    _ip("netns", "delete", namespace)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
