"""The same endpoints in real time, on loopback."""

import asyncio
import time
from functools import partial
from math import nan
from typing import Any

import pytest

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.misrouting import MisroutingConfig
from cbmnet.drivers import asyncio_host
from cbmnet.drivers.asyncio_driver import UdpHost
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import Acknowledged, Broadcast, GaveUp, Received, Send
from cbmnet.protocols.variants.broadcast import BroadcastConfig, BroadcastToMany
from cbmnet.protocols.variants.fire_and_forget import FireAndForget
from cbmnet.protocols.variants.k_of_n import KOfN, KOfNConfig
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.registry import NoConfig
from cbmnet.streams import Streams

LOCAL = ("127.0.0.1", 0)


async def pair(rto_s: float) -> tuple[UdpHost, UdpHost, list[Any], list[Any]]:
    at_a: list[Any] = []
    at_b: list[Any] = []
    config = StopAndWaitConfig(rto_s=rto_s, max_sends=8)
    b = await UdpHost.open(StopAndWait(config), LOCAL, {}, at_b.append, now_s=time.time())
    a = await UdpHost.open(StopAndWait(config), LOCAL, {"b": b.address}, at_a.append, now_s=time.time())
    b.know("a", a.address)
    return a, b, at_a, at_b


async def until(done: Any, limit_s: float = 5.0) -> None:
    async with asyncio.timeout(limit_s):
        while not done():
            await asyncio.sleep(0.005)


async def test_messages_cross_a_real_socket_in_order() -> None:
    """Twenty messages sent at once arrive in order and are acknowledged one by one."""
    a, b, at_a, at_b = await pair(rto_s=1.0)
    for number in range(1, 21):
        a.command(Send("b", b"%d" % number, "notice", 1, 0, number))
    await until(lambda: len(at_a) == 20)
    a.close()
    b.close()
    assert [int(event.data) for event in at_b] == list(range(1, 21))
    assert [event.sequence for event in at_a] == list(range(1, 21))


async def test_a_lost_datagram_is_sent_again_by_the_timer() -> None:
    """While the receiver ignores the sender its message is lost; the real timer repeats it until known."""
    a, b, at_a, at_b = await pair(rto_s=0.06)
    b.know("a", ("127.0.0.1", 1))  # bytes from any address but this are now ignored
    a.command(Send("b", b"x", "notice", 1, 0, 1))
    await asyncio.sleep(0.1)
    assert at_b == []
    b.know("a", a.address)
    await until(lambda: at_a)
    a.close()
    b.close()
    assert at_b == [Received("a", b"x")]
    assert type(at_a[0]) is Acknowledged
    assert at_a[0].attempts > 1


async def test_time_is_the_callers_and_goes_on() -> None:
    """An endpoint sees the time that the caller gave at the opening, going forward."""
    host = await UdpHost.open(
        StopAndWait(StopAndWaitConfig(rto_s=1.0)), LOCAL, {}, lambda event: None, now_s=1000.0
    )
    first = host.now
    await asyncio.sleep(0.02)
    host.close()
    assert 1000.0 <= first < host.now < 1010.0


async def test_bytes_from_a_stranger_reach_nothing() -> None:
    """A datagram from an address that is no peer's is not even looked at."""
    a, b, _, at_b = await pair(rto_s=1.0)
    stranger = await UdpHost.open(
        StopAndWait(StopAndWaitConfig(rto_s=1.0)), LOCAL, {"b": b.address}, lambda event: None, now_s=0.0
    )
    stranger.command(Send("b", b"x", "notice", 1, 0, 1))
    await asyncio.sleep(0.05)
    for host in (a, b, stranger):
        host.close()
    assert at_b == []


class Fragile(StopAndWait):
    """Fails once when its timer is due."""

    failed = False

    def handle_timer(self, now: float) -> None:
        if not self.failed:
            self.failed = True
            raise RuntimeError("once")
        super().handle_timer(now)


async def test_a_timer_that_failed_once_is_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's handler has the error; the message is repeated and given up as it would have been."""
    monkeypatch.setattr(asyncio_host, "AFTER_FAILURE_S", 0.05)
    said: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context["exception"]))
    events: list[Any] = []
    config = StopAndWaitConfig(rto_s=0.02, backoff=1.0, max_sends=2)
    host = await UdpHost.open(
        Fragile(config), LOCAL, {"b": ("127.0.0.1", 9)}, events.append, now_s=time.time()
    )
    host.command(Send("b", b"x", "notice", 1, 0, 1))
    await until(lambda: events)
    await host.aclose()
    assert [str(error) for error in said] == ["once"]
    assert events == [GaveUp("b", 1, 1, 2)]


async def test_a_peer_without_an_address_takes_nobody_elses_datagrams() -> None:
    """Of a broadcast to one who is unknown and one who is known, the latter has it, and the error is told."""
    at_c: list[Any] = []
    config = BroadcastConfig(rto_s=5.0)
    c = await UdpHost.open(BroadcastToMany(config), LOCAL, {}, at_c.append, now_s=time.time())
    a = await UdpHost.open(
        BroadcastToMany(config), LOCAL, {"c": c.address}, lambda event: None, now_s=time.time()
    )
    c.know("a", a.address)
    with pytest.raises(SimulationError, match="no way to 'nobody'; there are c"):
        a.command(Broadcast(("nobody", "c"), b"x", "notice", 1, 0, 1))
    await until(lambda: at_c)
    a.close()
    c.close()
    assert at_c == [Received("a", b"x")]


async def test_a_datagram_that_cannot_leave_holds_up_no_other() -> None:
    """One by a route that has no socket fails when it is due; that of the other route leaves after it."""
    said: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context["exception"]))
    at_b: list[Any] = []
    b = await UdpHost.open(KOfN(KOfNConfig(k=1, n=2)), LOCAL, {}, at_b.append, now_s=time.time())
    routes = {
        way: build_route("a", way, [[("constant", ConstantConfig(delay_s))]], Streams(0, 0))
        for way, delay_s in (("b@1", 0.01), ("b", 0.05))
    }
    ways = {"b": b.address, "b@1": b.address}
    a = await UdpHost.open(
        KOfN(KOfNConfig(k=1, n=2)), LOCAL, ways, lambda event: None, now_s=time.time(), routes=routes
    )
    b.know("a", a.address)
    a.command(Send("b", b"x", "notice", 1, 0, 1))
    await until(lambda: at_b)
    a.close()
    b.close()
    assert at_b == [Received("a", b"x")]
    assert "no socket for 'b@1'" in str(said[0])


async def test_a_name_is_no_address_of_a_peer() -> None:
    """Datagrams would go there, and those that come back would be a stranger's."""
    with pytest.raises(LocalProtocolError, match="'localhost' is no numeric address"):
        await UdpHost.open(
            StopAndWait(StopAndWaitConfig(rto_s=1.0)), LOCAL, {"b": ("localhost", 9)}, print, now_s=0.0
        )


@pytest.mark.parametrize("wrong", [nan, "soon"])
async def test_a_timer_that_is_no_time_is_told_and_blocks_no_loop(wrong: Any) -> None:
    """Neither is the loop woken without end, nor does the endpoint wait for ever without a word."""

    class Timeless(StopAndWait):
        def next_timer(self) -> float | None:
            return wrong if self.outgoing or self.events else None

    host = await UdpHost.open(Timeless(StopAndWaitConfig(rto_s=1.0)), LOCAL, {}, print, now_s=0.0)
    host.endpoint.events.append(GaveUp("b", 1, 1, 1))  # type: ignore[attr-defined]
    with pytest.raises(SimulationError, match=r"Timeless: next_timer\(\) is"):
        host._arm()
    host.close()


async def test_a_datagram_goes_astray_on_a_real_socket_too() -> None:
    """c has what was for b, as from a; to somebody without an address it is an error of its own."""
    said: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context["exception"]))
    heard: list[Any] = []
    make, now_s = partial(FireAndForget, NoConfig()), time.time()
    b = await UdpHost.open(make(), LOCAL, {}, lambda event: heard.append(("b", event)), now_s=now_s)
    c = await UdpHost.open(make(), LOCAL, {}, lambda event: heard.append(("c", event)), now_s=now_s)
    astray = [("misrouting", MisroutingConfig(1.0, ("c", "z")))]
    routes = {"b": build_route("a", "b", [astray], Streams(0, 0))}
    a = await UdpHost.open(
        make(), LOCAL, {"b": b.address, "c": c.address}, lambda event: None, now_s=now_s, routes=routes
    )
    b.know("a", a.address)
    c.know("a", a.address)
    for number in range(1, 21):
        a.command(Send("b", b"%d" % number, "notice", 1, 0, number))
    await until(lambda: len(heard) + len(said) == 20)
    for host in (a, b, c):
        await host.aclose()
    assert {name for name, _ in heard} == {"c"}
    assert {str(error) for error in said} == {"no way to 'z'; there are b, c"}
