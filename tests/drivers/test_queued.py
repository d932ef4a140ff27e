"""An endpoint need have no more than the six methods of the interface: every driver drives it."""

import asyncio
import json
import re
import time
from collections.abc import Coroutine
from io import BytesIO
from math import inf, nan
from typing import Any

import pytest

from cbmnet.datagram import Datagram
from cbmnet.drivers.asyncio_driver import UdpHost
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.drivers.stdio_node import serve
from cbmnet.drivers.stream_driver import StreamHost
from cbmnet.errors import SimulationError
from cbmnet.protocols.endpoint import Received, Send
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.recorder import Recorder
from cbmnet.testing import EndpointPair, search

LOCAL = ("127.0.0.1", 0)
CONFIG = StopAndWaitConfig(rto_s=3.0, max_sends=4)
LOSSES = [
    {"at": {"link": "a>b", "sequence": 1, "attempt": 1}, "do": "drop"},
    {"at": {"link": "b>a", "sequence": 2, "attempt": 1}, "do": "drop"},
]


class Bare:
    """Stop and wait behind the six methods, and nothing else to take hold of."""

    __slots__ = ("_inner",)

    def __init__(self) -> None:
        self._inner = StopAndWait(CONFIG)

    def receive(self, data: bytes, peer: str, now: float) -> None:
        self._inner.receive(data, peer, now)

    def command(self, command: Any, now: float) -> None:
        self._inner.command(command, now)

    def handle_timer(self, now: float) -> None:
        self._inner.handle_timer(now)

    def next_timer(self) -> float | None:
        return self._inner.next_timer()

    def datagrams_to_send(self) -> list[Datagram]:
        return self._inner.datagrams_to_send()

    def next_event(self) -> Any | None:
        return self._inner.next_event()


class Endless(Bare):
    """Has always one more event."""

    def next_event(self) -> Any | None:
        return Received("b", b"x")


class Loud(StopAndWait):
    """Has queues, and a word of its own in what it hands up."""

    def next_event(self) -> Any | None:
        event = super().next_event()
        return Received(event.peer, event.data.upper()) if isinstance(event, Received) else event


class Unmade(StopAndWait):
    """Forgets to make its queues."""

    def __init__(self) -> None:
        return


def heard(make: Any, faults: Any) -> dict[str, list[Any]]:
    pair = EndpointPair(make, faults=faults)
    for _ in range(3):
        pair.send("a", "b")
    pair.drive()
    return pair.events


@pytest.mark.parametrize(
    "faults",
    [
        LOSSES,
        [*LOSSES, {"at": {"node": "b", "time_s": 0.5}, "do": "set-clock", "offset_s": 100.0}],
        [*LOSSES, {"at": {"node": "b", "time_s": 4.5}, "do": "crash", "for_s": 2.0, "loses_state": True}],
    ],
)
def test_six_methods_are_enough_in_virtual_time(faults: Any) -> None:
    """Losses, a wrong clock and a crash without memory do the same to it as to one that has queues."""
    events = heard(Bare, faults)
    assert events == heard(lambda: StopAndWait(CONFIG), faults)
    assert events["b"]


def test_what_an_endpoint_makes_of_its_events_is_heard() -> None:
    """Virtual time takes no short way round a method that an endpoint has made its own."""
    pair = EndpointPair(lambda: Loud(CONFIG))
    pair.send("a", "b", b"hello")
    pair.drive()
    assert pair.events["b"] == [Received("a", b"HELLO")]


async def test_six_methods_are_enough_on_a_socket() -> None:
    """The same endpoint, in real time."""
    at_b: list[Any] = []
    b = await UdpHost.open(Bare(), LOCAL, {}, at_b.append, now_s=time.time())
    a = await UdpHost.open(Bare(), LOCAL, {"b": b.address}, lambda event: None, now_s=time.time())
    b.know("a", a.address)
    a.command(Send("b", b"x", "notice", 1, 0, 1))
    async with asyncio.timeout(5.0):
        while not at_b:
            await asyncio.sleep(0.005)
    a.close()
    b.close()
    assert at_b == [Received("a", b"x")]


def test_queues_that_were_never_made_are_told() -> None:
    """A forgotten super().__init__() is named, not an attribute that is missing somewhere."""
    with pytest.raises(SimulationError, match=r"a \(Unmade\): has no queues; its __init__ must call super"):
        EndpointPair(Unmade)


def test_events_without_end_are_told_wherever_the_endpoint_runs() -> None:
    """Virtual time names party, class, limit and time; a search has its shortest counterexample."""
    host = Host(Clock(max_steps_at_once=1000), "a", Endless(), lambda event: None, Recorder())
    with pytest.raises(SimulationError, match=r"a \(Endless\): more than 1000 events at 0 s without an end"):
        host.command(Send("b", b"x", "notice", 1, 0, 1))
    found = search({"a": Endless, "b": Endless}, [("a", Send("b", b"x", "notice", 1, 0, 1))])
    assert found.counterexample is not None
    assert len(found.counterexample.steps) == 1
    assert "more than 1000000 events" in found.counterexample.failure


def on_datagrams() -> Coroutine[Any, Any, object]:
    return UdpHost.open(Endless(), LOCAL, {}, lambda event: None, now_s=time.time())


def on_streams() -> Coroutine[Any, Any, object]:
    return StreamHost.open(Endless(), "a", LOCAL, lambda event: None, now_s=time.time())


@pytest.mark.parametrize("opening", [on_datagrams, on_streams])
async def test_an_endpoint_that_fails_at_the_opening_leaves_no_socket(opening: Any) -> None:
    """Events without end are an error in real time too, and nobody goes on listening."""
    with pytest.raises(SimulationError, match="Endless: more than 1000000 events on end"):
        await opening()


def test_a_node_with_events_without_end_answers_with_an_error() -> None:
    """Its driver hears of it, where it would wait for ever."""
    assert "more than 1000000 events" in answers_to(Endless())[0]["text"]


class Says(Bare):
    """Hands up what it is given, and names a time that it is given."""

    __slots__ = ("_due", "_said")

    def __init__(self, said: Any = None, due: Any = None) -> None:
        super().__init__()
        self._said, self._due = [said], due

    def next_event(self) -> Any | None:
        return self._said.pop() if self._said else None

    def next_timer(self) -> float | None:
        due: float | None = self._due
        return due


INIT = b'{"src":"driver","dest":"a","body":{"type":"init","msg_id":0,"node_id":"a","node_ids":["a","b"]}}\n'


def answers_to(endpoint: Any, *requests: bytes) -> list[dict[str, Any]]:
    """What a node with this endpoint answers to an init and these."""
    answers = BytesIO()
    serve(lambda init: endpoint, BytesIO(b"".join((INIT, *requests))), answers)
    return [json.loads(line)["body"] for line in answers.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"said": "received"}, "'received' stands among the events"),
        ({"said": Received("b", "x")}, "Received with data of type str"),  # type: ignore[arg-type]
        ({"due": nan}, "next_timer() is nan; it is a time in seconds, or None"),
        ({"due": "soon"}, "next_timer() is 'soon'"),
    ],
)
async def test_what_an_endpoint_says_is_looked_at_in_every_driver(wrong: Any, says: str) -> None:
    """In virtual time, in a node and on a socket; a search takes a wrong event for a counterexample."""
    with pytest.raises(SimulationError, match=re.escape(says)):
        EndpointPair(lambda: Says(**wrong)).send("a", "b")
    assert says in answers_to(Says(**wrong))[0]["text"]
    with pytest.raises(SimulationError, match=re.escape(says)):
        await UdpHost.open(Says(**wrong), LOCAL, {}, lambda event: None, now_s=time.time())
    if "said" in wrong:
        found = search({"a": lambda: Says(**wrong), "b": Bare}, [("a", Send("b", b"x", "notice", 1, 0, 1))])
        assert found.counterexample is not None
        assert says in found.counterexample.failure


def test_a_timer_that_never_comes_is_none() -> None:
    """An infinite time is no line of JSON, and wakes nobody in virtual time."""
    assert answers_to(Says(due=inf))[0].get("next_timer") is None
    clock = Clock()
    Host(clock, "a", Says(due=inf), lambda event: None, Recorder()).pump()
    clock.run()
    assert clock.now == 0.0


def test_a_node_refuses_what_its_page_forbids() -> None:
    """Bytes of somebody who is none of the parties, and a number below 0; then it goes on."""
    stranger = {"type": "receive", "msg_id": 1, "now": 1.0, "peer": "z", "data": ""}
    below = {"type": "timer", "msg_id": -1, "now": 1.0}
    good = {"type": "timer", "msg_id": 2, "now": 1.0}
    bodies = [{"src": "d", "dest": "a", "body": body} for body in (stranger, below, good)]
    said = answers_to(Bare(), *(json.dumps(line).encode() + b"\n" for line in bodies))
    assert [body.get("code") for body in said] == [None, 12, 12, None]
    assert said[3]["type"] == "outputs"
    assert said[1]["text"] == "no party 'z'; there are a, b"
