"""The same endpoints in real time, on loopback."""

import asyncio
import time
from typing import Any

from cbmnet.drivers.asyncio_driver import UdpHost
from cbmnet.protocols.endpoint import Acknowledged, Received, Send
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig

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
