"""Endpoints on real sockets: several ways, connections that end, strangers, rubbish, TLS, impaired routes."""

import asyncio
import gc
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cbmnet.channels.faults import Datagrams, Delay, Drop, Duplicate, Fault, Faults
from cbmnet.channels.link import Route, build_route
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.drivers import stream_driver
from cbmnet.drivers.asyncio_driver import UdpHost
from cbmnet.drivers.stream_driver import StreamHost
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.messages.framing import frame
from cbmnet.protocols.endpoint import Acknowledged, Endpoint, Received, way
from cbmnet.protocols.variants.fire_and_forget import FireAndForget
from cbmnet.protocols.variants.k_of_n import KOfN, KOfNConfig
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.registry import NoConfig
from cbmnet.streams import Streams
from tests.protocols.by_hand import note

from .test_asyncio_driver import LOCAL, until

Make = Callable[[], Endpoint]


def once() -> Endpoint:
    return FireAndForget(NoConfig())


def again() -> Endpoint:
    return StopAndWait(StopAndWaitConfig(rto_s=0.1, max_sends=30, backoff=1.0))


class Streamed:
    """Parties a and b on TCP or TLS that know each other, and what each was told."""

    def __init__(self, make: Make, routes: int = 1, **options: Any) -> None:
        self.make, self.routes, self.options = make, routes, options
        self.told: dict[str, list[Any]] = {"a": [], "b": []}
        self.hosts: dict[str, StreamHost] = {}
        self.failed: list[dict[str, Any]] = []

    async def __aenter__(self) -> "Streamed":
        asyncio.get_running_loop().set_exception_handler(lambda loop, said: self.failed.append(said))
        for name in "ab":
            await self.open(name)
        return self

    async def open(self, name: str, **more: Any) -> None:
        """Opens a party, anew if it was closed."""
        told, options = self.told[name], {"local": LOCAL} | self.options | more
        self.hosts[name] = await StreamHost.open(
            self.make(), name, on_event=told.append, now_s=time.time(), **options
        )
        for source, target in ("ab", "ba"):
            for route in range(self.routes):
                if {source, target} <= set(self.hosts):
                    self.hosts[source].know(way(target, route), self.hosts[target].address)

    async def __aexit__(self, *_: object) -> None:
        async with asyncio.timeout(5.0):
            for host in self.hosts.values():
                await host.aclose()
        await asyncio.sleep(0)
        gc.collect()  # what was left open would say so now, as an error
        assert self.failed == []

    @property
    def a(self) -> StreamHost:
        return self.hosts["a"]


async def raw(host: StreamHost) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*host.address)


async def ended(reader: asyncio.StreamReader) -> None:
    """Waits until the other side ends the connection; TimeoutError if it does not within a second."""
    async with asyncio.timeout(1.0):
        with suppress(ConnectionResetError):
            await reader.read()


async def test_messages_cross_a_stream_in_order() -> None:
    """Fifty at once, sent over one connection, arrive in order; what answers comes over the other."""
    async with Streamed(again) as pair:
        for number in range(1, 51):
            pair.a.command(note(number))
        await until(lambda: len(pair.told["a"]) == 50)
    assert [int(event.data) for event in pair.told["b"]] == list(range(1, 51))
    assert pair.told["a"] == [Acknowledged("b", 1, number, 1) for number in range(1, 51)]


async def test_a_large_message_comes_whole() -> None:
    """65,536 bytes are many reads and one frame."""
    data = bytes(range(256)) * 256
    async with Streamed(once) as pair:
        pair.a.command(note(1, data=data))
        await until(lambda: pair.told["b"])
    assert pair.told["b"] == [Received("a", data)]


async def test_each_way_is_a_connection_or_a_socket_of_its_own() -> None:
    """k of n counts three ways on TCP and on UDP; with two, 3 of 3 is never reached."""

    def three() -> Endpoint:
        return KOfN(KOfNConfig(k=3, n=3))

    async with Streamed(three, routes=3) as pair:
        pair.a.command(note(1))
        await until(lambda: pair.told["b"])
        assert sorted(pair.a._lines) == ["b", "b@1", "b@2"]
    told: list[Any] = []
    a = await UdpHost.open(three(), [LOCAL] * 3, {}, told.append, now_s=0.0)
    b = await UdpHost.open(three(), [LOCAL] * 3, {}, told.append, now_s=0.0)
    for route in range(3):
        a.know(way("b", route), b.addresses[route])
    for route in range(2):
        b.know(way("a", route), a.addresses[route])
    a.command(note(1))
    await asyncio.sleep(0.05)
    assert told == []
    b.know("a@2", a.addresses[2])
    a.command(note(2))
    await until(lambda: told)
    await a.aclose()
    await b.aclose()
    assert told == [Received("a", b"2")]


async def test_a_peer_that_comes_back_is_found_again() -> None:
    """b is closed, then opened at the same port: the very next datagram opens a new connection to it."""
    async with Streamed(once) as pair:
        pair.a.command(note(1))
        await until(lambda: pair.told["b"])
        host, port = pair.hosts["b"].address
        await pair.hosts["b"].aclose()
        await until(lambda: pair.a._lines["b"].is_over)
        await pair.open("b", local=(host, port))
        pair.a.command(note(2))
        await until(lambda: len(pair.told["b"]) == 2)
    assert [event.data for event in pair.told["b"]] == [b"1", b"2"]


async def test_what_nobody_listened_to_is_sent_again_by_the_variant() -> None:
    """While b is away its connections are refused and datagrams lost; the timer's repeats reach it later."""
    async with Streamed(again) as pair:
        host, port = pair.hosts["b"].address
        await pair.hosts["b"].aclose()
        pair.a.command(note(1))
        await asyncio.sleep(0.15)
        assert pair.told["a"] == []
        await pair.open("b", local=(host, port))
        await until(lambda: pair.told["a"])
    assert pair.told["b"] == [Received("a", b"1")]
    assert pair.told["a"][0].attempts > 1


@pytest.mark.parametrize("name", [b"nobody", b"a@7", b"\xff\xfe"])
async def test_a_caller_whom_nobody_knows_is_refused(name: bytes) -> None:
    """Neither a name nor a way that was not told; the connection ends and nothing is handed up."""
    async with Streamed(once) as pair:
        reader, writer = await raw(pair.hosts["b"])
        writer.write(frame(name) + frame(b"\x96\x01\x00\x01\x01\x01\xc4\x01x"))
        await ended(reader)
        writer.close()
    assert pair.told["b"] == []


async def test_an_error_of_the_endpoint_is_told_to_the_loop_and_ends_the_connection() -> None:
    """It names the party; the listening goes on."""

    class Broken(FireAndForget):
        def receive(self, data: bytes, peer: str, now: float) -> None:
            raise ZeroDivisionError("by the peer")

    async with Streamed(lambda: Broken(NoConfig())) as pair:
        reader, writer = await raw(pair.hosts["b"])
        writer.write(frame(b"a") + frame(b"x"))
        await ended(reader)
        writer.close()
        (said,) = pair.failed
        assert said["message"] == "b: a connection ended by an error of ours"
        assert type(said["exception"]) is ZeroDivisionError
        pair.failed.clear()


@pytest.mark.parametrize("rubbish", [b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\x01\x00\x41"])
async def test_a_length_that_cannot_be_ends_its_connection_alone(rubbish: bytes) -> None:
    """Of 0, of 4 GiB, and of one byte too many; the peer's own connection goes on."""
    async with Streamed(once) as pair:
        pair.a.command(note(1))
        await until(lambda: pair.told["b"])
        line = pair.a._lines["b"]
        reader, writer = await raw(pair.hosts["b"])
        writer.write(frame(b"a") + rubbish)
        await ended(reader)
        writer.close()
        pair.a.command(note(2))
        await until(lambda: len(pair.told["b"]) == 2)
        assert pair.a._lines["b"] is line


async def test_a_connection_that_ends_within_a_frame_leaves_nothing() -> None:
    """Half a frame is no frame; the next connection begins anew."""
    async with Streamed(once) as pair:
        _, writer = await raw(pair.hosts["b"])
        writer.write(frame(b"a") + frame(b"x" * 100)[:50])
        await writer.drain()
        writer.close()
        pair.a.command(note(1))
        await until(lambda: pair.told["b"])
    assert pair.told["b"] == [Received("a", b"1")]


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.01, 0.02, 0.03])
async def test_closing_under_way_leaves_nothing(seconds: float) -> None:
    """Closed while connections are being opened and a route holds flights: no task, timer or socket."""
    routes = {"b": impaired("a", "b", [], delay_s=0.01)}
    async with Streamed(again, routes=1, client_tls=None) as pair:
        pair.a._routes.update(routes)
        for number in range(1, 200):
            pair.a.command(note(number, stream=number))
        await asyncio.sleep(seconds)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    handles = pair.a._timer, pair.a._landing
    assert all(
        handle is None or handle.cancelled() or handle.when() < pair.a._loop.time() for handle in handles
    )
    told = len(pair.told["b"])
    await asyncio.sleep(0.05)
    assert len(pair.told["b"]) == told
    with pytest.raises(LocalProtocolError, match="closed"):
        pair.a.command(note(1))


async def test_udp_closed_under_way_leaves_nothing() -> None:
    """Neither flights nor sockets, and what comes in after is nobody's."""
    told: list[Any] = []
    b = await UdpHost.open(once(), LOCAL, {}, told.append, now_s=0.0)
    routes = {"b": impaired("a", "b", [], delay_s=0.01)}
    a = await UdpHost.open(once(), LOCAL, {"b": b.address}, told.append, now_s=0.0, routes=routes)
    b.know("a", a.address)
    a.command(note(1))
    assert a._landing is not None
    await a.aclose()
    await b.aclose()
    gc.collect()
    await asyncio.sleep(0.03)
    assert told == []
    assert a._landing.cancelled()


async def test_a_peer_without_an_address_is_one_clear_error() -> None:
    """It names the way, and those that there are; a route without a socket likewise."""
    a = await UdpHost.open(once(), LOCAL, {"b": LOCAL, "b@1": LOCAL}, print, now_s=0.0)
    with pytest.raises(SimulationError, match=r"no way to 'c'; there are b, b@1"):
        a.command(note(1, "c"))
    with pytest.raises(SimulationError, match=r"no socket for 'b@1': route 1 of 1"):
        a.command(note(1, "b@1"))
    await a.aclose()


async def test_orders_given_while_hearing_are_drained_in_their_turn() -> None:
    """An event's hearer who orders 2,000 messages one by one neither nests calls nor changes their order."""
    count = 2000
    heard: list[str] = []

    class Echo(FireAndForget):
        def command(self, command: object, now: float) -> None:
            super().command(command, now)
            self.events.append(Received("b", b"%d" % command.sequence))  # type: ignore[attr-defined]

    def hear(event: Any) -> None:
        number = int(event.data)
        heard.append(f"begin {number}")
        if number < count:
            host.command(note(number + 1))
        heard.append(f"end {number}")

    host = await UdpHost.open(Echo(NoConfig()), LOCAL, {"b": ("127.0.0.1", 9)}, hear, now_s=0.0)
    host.command(note(1))
    await host.aclose()
    assert heard == [f"{edge} {n}" for n in range(1, count + 1) for edge in ("begin", "end")]


# --- TLS ----------------------------------------------------------------------------------------


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own making, and a client's that trusts no other."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cbmnet")])
    day = timedelta(days=1)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - day, now + day
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "tls.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=certificate.public_bytes(pem).decode())


async def test_tls_carries_the_same(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """Twenty messages and their acknowledgements over two TLS connections."""
    server, client = contexts
    async with Streamed(again, server_tls=server, client_tls=client) as pair:
        for number in range(1, 21):
            pair.a.command(note(number))
        await until(lambda: len(pair.told["a"]) == 20)
        reader, writer = await raw(pair.hosts["b"])  # who speaks no TLS is refused
        writer.write(frame(b"a") + frame(b"x"))
        await ended(reader)
        writer.close()
    assert [int(event.data) for event in pair.told["b"]] == list(range(1, 21))


async def test_a_peer_that_cannot_be_trusted_gets_nothing(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Its certificate is not one we know: no connection, and what is sent is lost as on a dead line."""
    server, _ = contexts
    async with Streamed(again, server_tls=server, client_tls=ssl.create_default_context()) as pair:
        pair.a.command(note(1))
        await asyncio.sleep(0.25)
    assert pair.told == {"a": [], "b": []}


# --- routes -------------------------------------------------------------------------------------


def impaired(source: str, target: str, faults: list[Fault], delay_s: float = 0.0) -> Route:
    route = build_route(source, target, [[("constant", ConstantConfig(delay_s))]], Streams(0, 0))
    route.after.append(Faults(faults))
    return route


@pytest.mark.parametrize("kind", ["udp", "tcp"])
async def test_faults_do_to_real_datagrams_what_they_do_to_simulated_ones(kind: str) -> None:
    """1 is dropped, 2 comes 80 ms late and so after 3, 4 comes twice; none comes before the route's 20 ms."""
    faults: list[Fault] = [
        Drop(Datagrams("a>b", sequence=1)),
        Delay(Datagrams("a>b", sequence=2), 0.08),
        Duplicate(Datagrams("a>b", sequence=4), 0.12),
    ]
    routes, told, times = {"b": impaired("a", "b", faults, 0.02)}, [], []
    loop = asyncio.get_running_loop()

    def hear(event: Any) -> None:
        told.append(int(event.data))
        times.append(loop.time() - begun_s)

    hosts: list[Any] = []
    if kind == "udp":
        hosts.append(await UdpHost.open(once(), LOCAL, {}, hear, now_s=0.0))
        hosts.append(
            await UdpHost.open(once(), LOCAL, {"b": hosts[0].address}, hear, now_s=0.0, routes=routes)
        )
    else:
        hosts.append(await StreamHost.open(once(), "b", LOCAL, hear, now_s=0.0))
        hosts.append(await StreamHost.open(once(), "a", LOCAL, hear, now_s=0.0, routes=routes))
        hosts[1].know("b", hosts[0].address)
    hosts[0].know("a", hosts[1].address)
    begun_s = loop.time()
    for number in range(1, 5):
        hosts[1].command(note(number))
    await until(lambda: len(told) == 4)
    await asyncio.sleep(0.03)
    for host in hosts:
        await host.aclose()
    assert told == [3, 4, 2, 4]
    assert all(at_s >= least_s for at_s, least_s in zip(times, (0.02, 0.02, 0.1, 0.14), strict=True))


async def test_flights_of_one_time_land_in_the_order_of_their_sending() -> None:
    """A hundred in one drain have one landing time; the loop's heap of timers alone would mix them."""
    told: list[Any] = []
    b = await UdpHost.open(once(), LOCAL, {}, told.append, now_s=0.0)
    routes = {"b": impaired("a", "b", [], 0.01)}
    endpoint = once()
    a = await UdpHost.open(endpoint, LOCAL, {"b": b.address}, told.append, now_s=0.0, routes=routes)
    b.know("a", a.address)
    for number in range(1, 101):
        endpoint.command(note(number), a.now)
    a.pump()
    await until(lambda: len(told) == 100)
    await a.aclose()
    await b.aclose()
    assert [int(event.data) for event in told] == list(range(1, 101))


async def test_a_stranger_who_says_nothing_is_not_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not say his name in time is gone; a peer may be silent after it as long as he likes."""
    monkeypatch.setattr(stream_driver, "HELLO_S", 0.05)
    at_b: list[Any] = []
    config = StopAndWaitConfig(rto_s=5.0)
    b = await StreamHost.open(StopAndWait(config), "b", LOCAL, at_b.append, now_s=time.time())
    a = await StreamHost.open(StopAndWait(config), "a", LOCAL, lambda event: None, now_s=time.time())
    b.know("a", a.address)
    a.know("b", b.address)
    a.command(note(1))
    reader, writer = await asyncio.open_connection(*b.address)
    async with asyncio.timeout(5.0):
        with suppress(ConnectionError):
            assert await reader.read() == b""
    await asyncio.sleep(0.1)
    line = a._lines["b"]
    a.command(note(2))
    await until(lambda: len(at_b) == 2)
    assert a._lines["b"] is line
    writer.close()
    await a.aclose()
    await b.aclose()
    assert at_b == [Received("a", b"1"), Received("a", b"2")]
