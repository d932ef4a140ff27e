"""Drives endpoints in real time over byte streams: TCP, and TLS where the caller gives contexts.

Every party listens, and opens one connection for each way on which it sends; the first frame on it says who
comes by which way. That name is a claim: what proves a message is its signature, what proves a connection
is TLS. A connection that fails, or that the peer has ended, loses what was on it, as any line may; the next
datagram opens another.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from cbmnet.channels.link import Route
from cbmnet.drivers.asyncio_host import Address, AsyncioHost
from cbmnet.messages import SignedMessageError
from cbmnet.messages.framing import Deframer, frame
from cbmnet.protocols.endpoint import MAX_FRAME_BYTES, Endpoint, named, route_of
from cbmnet.protocols.endpoint import way as way_to

MAX_WAITING_BYTES = 1 << 20  # of one connection; what comes on top is lost, as on any congested line
HELLO_S = 10.0  # real seconds in which a caller must have said who he is
ACCEPTING_TURNS = 4  # of the loop, until a connection that it has taken from the listening socket is ours


class StreamHost(AsyncioHost):
    """One party's endpoint behind a listening socket; use `await StreamHost.open(...)`, and `close()`."""

    def __init__(
        self,
        endpoint: Endpoint,
        name: str,
        on_event: Callable[[Any], None],
        now_s: float,
        routes: Mapping[str, Route] | None = None,
        client_tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(named(endpoint, name), on_event, now_s, routes)
        self.name, self._client_tls = name, client_tls
        self._addresses: dict[str, Address] = {}
        self._lines: dict[str, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # of all connections, either way
        self._callers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(
        cls,
        endpoint: Endpoint,
        name: str,
        local: Address,
        on_event: Callable[[Any], None],
        *,
        now_s: float,
        routes: Mapping[str, Route] | None = None,
        server_tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
    ) -> "StreamHost":
        """Listens on the local address (port 0: any free one) and starts the pump at the time `now_s`."""
        host = cls(endpoint, name, on_event, now_s, routes, client_tls)
        host._server = await asyncio.start_server(host._accept, *local, ssl=server_tls)
        try:
            host.pump()
        except BaseException:  # an endpoint that fails at once leaves nobody listening
            await host.aclose()
            raise
        return host

    @property
    def address(self) -> Address:
        """Where the party listens."""
        assert self._server is not None
        name = self._server.sockets[0].getsockname()
        return name[0], name[1]

    def know(self, peer: str, address: Address) -> None:
        """Adds or moves a peer, or a way to it ("blue@1")."""
        self._addresses[peer] = address

    def ways(self) -> Iterable[str]:
        """The ways to peers that are known."""
        return self._addresses

    async def aclose(self) -> None:
        """Closes, and waits until all connections are gone."""
        self.close()
        for _ in range(ACCEPTING_TURNS):
            await asyncio.sleep(0)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def close(self) -> None:
        """Stops the timer, the listening and all connections; `aclose` waits until they are gone."""
        super().close()
        if self._server is not None:
            self._server.close()
        for line in self._lines.values():
            line.task.cancel()
        for writer in self._callers:  # cancelled before its first step, a task would end nothing
            writer.transport.abort()

    def transmit(self, way: str, data: bytes) -> None:
        """Puts a frame on the connection of its way, which is opened if there is none."""
        address, line = self._addresses[way], self._lines.get(way)
        if line is None or line.is_over or line.address != address:
            if line is not None:
                line.task.cancel()
            hello = way_to(self.name, route_of(way))
            line = self._lines[way] = _Line(address, hello, self._client_tls)
            self._keep(line.task)
        line.put(data)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:  # the listening socket had it before
            writer.transport.abort()
        else:
            self._callers.add(writer)
            self._keep(self._loop.create_task(self._serve(reader, writer)))

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            said = f"{self.name}: a connection ended by an error of ours"
            self._loop.call_exception_handler({"message": said, "exception": error, "task": task})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        deframer, peer = Deframer(MAX_FRAME_BYTES), ""
        try:
            async with asyncio.timeout(HELLO_S) as patience:
                while chunk := await reader.read(1 << 16):
                    for data in deframer.feed(chunk):
                        if peer:
                            self.take(data, peer)
                        elif (peer := data.decode("utf-8", "replace")) not in self._addresses:
                            return  # nobody we know
                        else:
                            patience.reschedule(None)
        except (SignedMessageError, OSError):
            pass  # a broken line loses what was on it
        finally:
            self._callers.discard(writer)
            await _end(writer)


async def _end(writer: asyncio.StreamWriter) -> None:
    """Ends a connection and waits until it is gone, however it broke."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


class _Line:
    """A connection on which one party sends; its task lives as long as the connection."""

    def __init__(self, address: Address, hello: str, tls: ssl.SSLContext | None) -> None:
        self.address = address
        self._reader: asyncio.StreamReader | None = None
        self._waiting = bytearray(frame(hello.encode()))
        self._wake = asyncio.Event()
        self._wake.set()
        self.task = asyncio.get_running_loop().create_task(self._run(address, tls))

    @property
    def is_over(self) -> bool:
        """Whether the connection has failed, or the peer has ended it."""
        return self.task.done() or (self._reader is not None and self._reader.at_eof())

    def put(self, data: bytes) -> None:
        """Adds a frame; a line with too much waiting loses it."""
        if len(self._waiting) < MAX_WAITING_BYTES:
            self._waiting += frame(data)
            self._wake.set()

    async def _run(self, address: Address, tls: ssl.SSLContext | None) -> None:
        writer = None
        try:
            self._reader, writer = await asyncio.open_connection(*address, ssl=tls)
            while True:
                await self._wake.wait()
                self._wake.clear()
                chunk, self._waiting = bytes(self._waiting), bytearray()
                writer.write(chunk)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass  # the next datagram opens another
        finally:
            if writer is not None:
                await _end(writer)
