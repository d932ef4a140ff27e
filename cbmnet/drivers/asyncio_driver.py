"""Drives endpoints in real time over UDP, for prototypes: the same endpoints that were simulated.

A pump without policy. Each peer has an address; bytes from any other address are ignored. The loop's
clock is monotonic; the caller says what time it is at the opening (`time.time()` in a real node), and
endpoints see that time going on.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from cbmnet.protocols.endpoint import Endpoint

Address = tuple[str, int]


class UdpHost(asyncio.DatagramProtocol):
    """One party's endpoint on a UDP socket; use `await UdpHost.open(...)`, and `close()` at the end."""

    def __init__(
        self, endpoint: Endpoint, peers: Mapping[str, Address], on_event: Callable[[Any], None], now_s: float
    ) -> None:
        self.endpoint, self._on_event = endpoint, on_event
        self._addresses = dict(peers)
        self._names = {address: name for name, address in peers.items()}
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._epoch_s = now_s - self._loop.time()

    @classmethod
    async def open(
        cls,
        endpoint: Endpoint,
        local: Address,
        peers: Mapping[str, Address],
        on_event: Callable[[Any], None],
        *,
        now_s: float,
    ) -> "UdpHost":
        """Binds the socket (port 0: any free one) and starts the pump; `now_s` is the time now."""
        loop = asyncio.get_running_loop()
        _, host = await loop.create_datagram_endpoint(
            lambda: cls(endpoint, peers, on_event, now_s), local_addr=local
        )
        host.pump()
        return host

    @property
    def now(self) -> float:
        """Unix time in seconds, never going backwards."""
        return self._loop.time() + self._epoch_s

    @property
    def address(self) -> Address:
        """Where the socket is bound."""
        assert self._transport is not None
        name = self._transport.get_extra_info("sockname")
        return name[0], name[1]

    def know(self, peer: str, address: Address) -> None:
        """Adds or moves a peer."""
        self._addresses[peer] = address
        self._names[address] = peer

    def command(self, command: Any) -> None:
        """Gives the endpoint an order and sends what comes of it."""
        self.endpoint.command(command, self.now)
        self.pump()

    def close(self) -> None:
        """Stops the timer and closes the socket."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is bound."""
        # The loop gives a datagram protocol a datagram transport, whatever its class is derived from.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Bytes came in; only those of a known peer are looked at."""
        peer = self._names.get((addr[0], addr[1]))
        if peer is not None:
            self.endpoint.receive(data, peer, self.now)
            self.pump()

    def pump(self) -> None:
        """Drains data, then events, until the endpoint is quiet; then arms its next timer."""
        assert self._transport is not None
        busy = True
        while busy:
            busy = False
            for datagram in self.endpoint.datagrams_to_send():
                self._transport.sendto(datagram.data, self._addresses[datagram.peer])
            while (event := self.endpoint.next_event()) is not None:
                self._on_event(event)
                busy = True
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.endpoint.next_timer()
        self._timer = None if due is None else self._loop.call_at(due - self._epoch_s, self._wake, due)

    def _wake(self, due: float) -> None:
        # The loop may wake a clock tick early; without the max it would spin on that rounding.
        self.endpoint.handle_timer(max(due, self.now))
        self.pump()
