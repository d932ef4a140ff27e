"""What the kit does for variants with commands of their own, and with wrong use of it: one clear error."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from msgspec import Struct

from cbmnet.datagram import Datagram
from cbmnet.errors import ConfigError, LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import Acknowledged, Broadcast, EndpointBase, Received, Send, named
from cbmnet.testing import (
    Bounds,
    Crash,
    Datagrams,
    Drop,
    EndpointNetwork,
    EndpointPair,
    Node,
    Pause,
    fault_schedules,
    protocol_test,
    search,
)
from tests.testing.buggy import Numbered, NumberedConfig

RIGHT = partial(Numbered, NumberedConfig())


class Want(Struct, frozen=True):
    """A command that carries no message: the token is wanted."""


@dataclass
class Ring(EndpointBase):
    """Passes a token to whoever asks for it; twice, if it `forgets` that it has let go of it."""

    forgets: bool = False
    has: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self._asked = 0

    def command(self, command: Any, now: float) -> None:
        if command == Want() and not self.has:
            self._asked += 1
            for peer in "abc":
                if peer != self.me:
                    self.outgoing.append(Datagram(b"want", peer, "want", 1, 0, self._asked))

    def receive(self, data: bytes, peer: str, now: float) -> None:
        if data == b"want" and (self.has or self.me == "a"):
            self.has = self.forgets
            self.outgoing.append(Datagram(b"token", peer, "token", 1, 0, 1))
        elif data == b"token":
            if self.has:
                raise RuntimeError("two tokens")
            self.has = True
            self.events.append(Received(peer, b"token"))


def test_a_party_learns_its_name_and_takes_commands_of_its_own() -> None:
    """In a network of the kit: three parties, a command without a message, and nothing counted as sent."""
    ring = EndpointNetwork(dict.fromkeys("abc", Ring))
    ring.command("b", Want())
    ring.drive()
    assert ring.hosts["b"].endpoint.has  # type: ignore[attr-defined]
    assert [host.endpoint.me for host in ring.hosts.values()] == ["a", "b", "c"]  # type: ignore[attr-defined]
    assert (ring.sent, ring.accepted) == ({}, {("a", "b"): [b"token"]})


def test_a_search_gives_commands_of_ones_own() -> None:
    """Their names stand among the steps; and what is wrong is found."""
    found = search(dict.fromkeys("abc", Ring), [("b", Want())], invariants=(), bounds=Bounds(0, 0))
    assert found.complete
    assert found.counterexample is None
    found = search(dict.fromkeys("abc", Ring), [("b", Want()), ("b", Want())], invariants=())
    assert found.counterexample is not None
    assert "b is told Want()" in found.counterexample.steps
    assert "two tokens" in found.counterexample.failure


def test_a_name_that_was_given_is_kept_and_nothing_is_put_where_there_is_no_place() -> None:
    """`me` is set where nobody has said a name, whether or not the class speaks of one."""

    class Plain:
        """Has no such field."""

    ring = Ring()
    ring.me = "hub"
    assert named(ring, "a").me == "hub"
    assert named(Plain(), "a").me == "a"  # type: ignore[attr-defined]
    assert not hasattr(named(object(), "a"), "me")


def test_a_refused_order_sent_nothing() -> None:
    """Neither its data nor its number stay in the way of the next."""
    pair = EndpointPair(RIGHT)
    with pytest.raises(LocalProtocolError, match="70000 bytes"):
        pair.send("a", "b", bytes(70_000))
    numbers = [pair.send("a", "b", data).sequence for data in (b"good", b"more")]
    pair.drive()
    assert numbers == [1, 2]
    assert pair.sent["a", "b"] == pair.accepted["a", "b"] == [b"good", b"more"]


def test_time_does_not_go_back() -> None:
    """What is to be done at a time that is over is refused; now is not over."""
    pair, seen = EndpointPair(RIGHT), list[float]()
    pair.send("a", "b")
    pair.drive()
    for over in (1.0, -3.0, float("nan")):
        with pytest.raises(LocalProtocolError, match=rf"at {over} s: it is 2.5 s already"):
            pair.at(over, lambda: None)
    pair.at(pair.now, lambda: seen.append(pair.now))
    pair.drive()
    assert seen == [2.5]


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"do": "drop", "at": {"link": "a>b"}}, "faults is one fault; it is a list of them"),
        (
            [{"do": "drop", "at": {"link": "a>b"}}, {"do": "crash"}],
            r"\[1\]: Object missing required field `at`; a crash",
        ),
        ([Drop("a>b")], r"\[0\]\.at: Expected `object`, got `str`"),  # type: ignore[arg-type]
        ([Drop(Datagrams("a>b", sequence="1"))], r"\[0\]\.at\.sequence: Expected `int \| null`"),  # type: ignore[arg-type]
        ([Drop(Datagrams("ab"))], r'\[0\]\.at\.link: is no link; write "from>to"'),
        ([Node("a", 1.0)], r"\[0\]: Object missing required field `do`"),
        ([object()], r"\[0\]: Encoding objects of type object is unsupported"),
    ],
)
def test_faults_made_by_hand_are_looked_at_as_those_of_a_file_are(faults: Any, said: str) -> None:
    """What would never fit a datagram, or is no fault, is told where the network is made."""
    with pytest.raises((ConfigError, LocalProtocolError), match=said):
        EndpointPair(RIGHT, faults=faults)


def made() -> EndpointPair:
    return EndpointPair(RIGHT)


def test_wrong_use_is_told_with_what_is_right() -> None:
    """A party that is not there, an endpoint for what makes one, a text for a list, bounds that are none."""
    with pytest.raises(LocalProtocolError, match="there is no party 'z'; there are a, b"):
        EndpointPair(RIGHT).send("z", "a")
    with pytest.raises(LocalProtocolError, match="there is no party 'z'"):
        EndpointPair(RIGHT).command("z", Want())
    with pytest.raises(
        LocalProtocolError, match=r"a: what makes an endpoint is called.*Numbered.* cannot be"
    ):
        EndpointPair(RIGHT())  # type: ignore[arg-type]
    with pytest.raises(
        LocalProtocolError, match=r"kinds is the text 'notice'; it is a list, such as \['notice'\]"
    ):
        fault_schedules(kinds="notice")
    with pytest.raises(LocalProtocolError, match=r"write bounds=Bounds\(drops=1"):
        search({"a": RIGHT, "b": RIGHT}, [], bounds={"drops": 1})  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError, match=r"it is a list of \(party, command\)"):
        search({"a": RIGHT, "b": RIGHT}, [Send("b", b"", "notice", 1, 0, 1)], bounds=Bounds())  # type: ignore[list-item]
    with pytest.raises(TypeError, match="made: must take the options of a network and hand them on"):
        protocol_test(made)(lambda pair: None)


class Wrong(EndpointBase):
    """Sends what is no bytes, or hands its driver no list."""

    def __init__(self, outgoing: Any = ()) -> None:
        super().__init__()
        self._given = outgoing

    def command(self, command: Any, now: float) -> None:
        self.outgoing.append(Datagram("text", "b", "notice", 1, 0, 1))  # type: ignore[arg-type]

    def receive(self, data: bytes, peer: str, now: float) -> None:
        data.hex()


class Listless(Wrong):
    """Asked by its methods, it gives None."""

    def command(self, command: Any, now: float) -> None:
        """Nothing."""

    def datagrams_to_send(self) -> Any:
        return None


def test_who_sends_no_bytes_is_named_and_not_who_gets_them() -> None:
    """The error tells the sender, and what its data are."""
    pair = EndpointPair(Wrong)
    pair.send("a", "b")
    with pytest.raises(SimulationError, match=r"a: sent b data of type str by 1\.0 s; they are bytes"):
        pair.drive()
    with pytest.raises(SimulationError, match=r"datagrams_to_send\(\) is None; it is a list of Datagrams"):
        EndpointPair(Listless).send("a", "b")


def test_faults_that_met_nothing_are_told() -> None:
    """A kind that nobody sends, and a number that is not reached; what has met its datagram is not told."""
    met, other, far = (
        Drop(Datagrams("a>b", kind="notice", sequence=1, attempt=1)), Drop(Datagrams("a>b", kind="notise")),
        Drop(Datagrams("b>a", sequence=99)),
    )  # fmt: skip
    pair = EndpointPair(RIGHT, faults=[met, other, far, Crash(Node("b", 50.0), 1.0)])
    assert pair.unused_faults == (met, other, far)
    pair.send("a", "b")
    pair.drive()
    assert pair.unused_faults == (other, far)


@pytest.mark.parametrize("start_s", [0.0, 0.5])
@pytest.mark.parametrize("fault", [Crash, Pause])
def test_a_party_is_there_at_the_instant_at_which_its_failure_ends(fault: Any, start_s: float) -> None:
    """Whichever of the two was on the clock first: the failure lasts until before its end."""
    pair = EndpointPair(RIGHT, faults=[fault(Node("b", start_s), 1.0 - start_s)])
    pair.send("a", "b")
    pair.drive()
    assert next(event for event in pair.events["a"] if type(event) is Acknowledged).attempts == 1


def test_a_party_may_never_come_back() -> None:
    """A crash without an end can be made by hand; in JSON there is no such number."""
    pair = EndpointPair(RIGHT, faults=[Crash(Node("b", 0.5), float("inf"))])
    pair.send("a", "b")
    for _ in range(50):
        pair.step()
    assert pair.accepted == {}


def test_a_command_for_nobody_sends_nothing() -> None:
    """With the fields of a message and no peer it is an order like any other."""

    class Said(Struct, frozen=True):
        data: bytes
        kind: str
        stream: int
        sequence: int
        peers: tuple[str, ...] = ()

    ring = EndpointNetwork(dict.fromkeys("abc", Ring))
    ring.command("a", Said(b"x", "said", 1, 1))
    assert ring.sent == {}


def test_data_that_one_of_several_has_had_are_sent_to_none() -> None:
    """A broadcast is refused as a whole."""
    net = EndpointNetwork(dict.fromkeys("abc", RIGHT))
    net.send("a", "c", b"z")
    with pytest.raises(LocalProtocolError, match="to c before"):
        net.command("a", Broadcast(("b", "c"), b"z", "notice", 1, 0, 1))
    assert net.sent == {("a", "c"): [b"z"]}
