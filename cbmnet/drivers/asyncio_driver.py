"""Drives endpoints in real time over UDP, for prototypes: the same endpoints that were simulated.

Each way to a peer has an address, and each route a socket of its own, so that the receiver knows by which a
datagram came; bytes from any other address are ignored. A datagram that is longer than UDP carries (65,507
bytes over IPv4) is lost.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, cast

from cbmnet.channels.link import Route
from cbmnet.drivers.asyncio_host import Address, AsyncioHost
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import Endpoint, route_of

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
        self._addresses = {name: _numeric(address) for name, address in peers.items()}
        self._names = {address: name for name, address in self._addresses.items()}
        self._sockets: list[asyncio.DatagramTransport] = []
        self._gone: list[asyncio.Future[None]] = []

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
        try:
            for address in [local] if isinstance(local[0], str) else local:
                await host._bind(cast(Address, address))
            host.pump()
        except BaseException:  # an address that is taken, or an endpoint that fails at once
            await host.aclose()
            raise
        return host

    async def _bind(self, address: Address) -> None:
        gone = self._loop.create_future()
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Socket(self, gone), local_addr=address
        )
        self._sockets.append(transport)
        self._gone.append(gone)

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
        """Adds or moves a peer, or a way to it ("blue@1"); from where it was before nothing is taken now."""
        address = _numeric(address)
        before = self._addresses.get(peer)
        if before is not None and self._names.get(before) == peer:
            del self._names[before]
        self._addresses[peer] = address
        self._names[address] = peer

    def ways(self) -> Iterable[str]:
        """The ways to peers that are known."""
        return self._addresses

    def close(self) -> None:
        """Stops the timer and closes the sockets; `aclose` waits until they are."""
        super().close()
        for transport in self._sockets:
            transport.close()

    async def aclose(self) -> None:
        """Closes, and waits until the sockets are closed."""
        self.close()
        await asyncio.gather(*self._gone)

    def transmit(self, way: str, data: bytes) -> None:
        """Sends one datagram from the socket of its route. SimulationError if it has none."""
        route = route_of(way)
        if route >= len(self._sockets):
            raise SimulationError(f"no socket for {way!r}: route {route} of {len(self._sockets)}")
        self._sockets[route].sendto(data, self._addresses[way])

    def arrived(self, data: bytes, address: Address) -> None:
        """Bytes came in; only those of a known peer are looked at."""
        peer = self._names.get(address)
        if peer is not None:
            self.take(data, peer)


def _numeric(address: Address) -> Address:
    """The address as the system writes it. LocalProtocolError for a name: nothing comes from a name."""
    host, port = address
    try:
        return str(ip_address(host)), port
    except ValueError:
        said = "a peer's datagrams are known by its numeric address, such as 127.0.0.1"
        raise LocalProtocolError(f"{host!r} is no numeric address; {said}") from None


class _Socket(asyncio.DatagramProtocol):
    """One socket of a host."""

    def __init__(self, host: UdpHost, gone: "asyncio.Future[None]") -> None:
        self._host, self._gone = host, gone

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._host.arrived(data, (addr[0], addr[1]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(None)
