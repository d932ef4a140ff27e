"""Drives endpoints in real time over UDP, for prototypes: the same endpoints that were simulated.

Each way to a peer has an address, and each route a socket of its own, so that the receiver knows by which a
datagram came; bytes from any other address are ignored.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from cbmnet.channels.link import Route
from cbmnet.drivers.asyncio_host import Address, AsyncioHost
from cbmnet.protocols.endpoint import Endpoint

__all__ = ["Address", "UdpHost"]


class UdpHost(AsyncioHost):
    """One party's endpoint on UDP sockets; use `await UdpHost.open(...)`, and `close()` at the end."""

    def __init__(
        self,
        endpoint: Endpoint,
        peers: Mapping[str, Address],
        on_event: Callable[[Any], None],
        now_s: float,
        routes: Mapping[str, Route] | None = None,
    ) -> None:
        super().__init__(endpoint, on_event, now_s, routes)
        self._addresses = dict(peers)
        self._names = {address: name for name, address in peers.items()}
        self._sockets: list[asyncio.DatagramTransport] = []

    @classmethod
    async def open(
        cls,
        endpoint: Endpoint,
        local: Address | Sequence[Address],
        peers: Mapping[str, Address],
        on_event: Callable[[Any], None],
        *,
        now_s: float,
        routes: Mapping[str, Route] | None = None,
    ) -> "UdpHost":
        """Binds a socket for each local address (port 0: any free one) and starts the pump.

        `now_s` is the time now. The k-th address is that of route k; `routes` impairs what is sent.
        """
        host = cls(endpoint, peers, on_event, now_s, routes)
        loop = asyncio.get_running_loop()
        for address in [local] if isinstance(local[0], str) else local:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Socket(host), local_addr=cast(Address, address)
            )
            host._sockets.append(transport)
        host.pump()
        return host

    @property
    def address(self) -> Address:
        """Where the first socket is bound."""
        return self.addresses[0]

    @property
    def addresses(self) -> list[Address]:
        """Where the sockets are bound, one a route."""
        names = [transport.get_extra_info("sockname") for transport in self._sockets]
        return [(name[0], name[1]) for name in names]

    def know(self, peer: str, address: Address) -> None:
        """Adds or moves a peer, or a way to it ("blue@1")."""
        self._addresses[peer] = address
        self._names[address] = peer

    def close(self) -> None:
        """Stops the timer and closes the sockets."""
        super().close()
        for transport in self._sockets:
            transport.close()

    def transmit(self, way: str, data: bytes) -> None:
        """Sends one datagram from the socket of its route."""
        route = way.partition("@")[2]
        self._sockets[int(route) if route else 0].sendto(data, self._addresses[way])

    def arrived(self, data: bytes, address: Address) -> None:
        """Bytes came in; only those of a known peer are looked at."""
        peer = self._names.get(address)
        if peer is not None:
            self.take(data, peer)


class _Socket(asyncio.DatagramProtocol):
    """One socket of a host."""

    def __init__(self, host: UdpHost) -> None:
        self._host = host

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._host.arrived(data, (addr[0], addr[1]))
