"""Endpoints by hand: the network, its faults, and what it tells."""

from functools import partial
from typing import Any

import pytest

from cbmnet import records
from cbmnet.channels.faults import Fault
from cbmnet.channels.stage import STAGES
from cbmnet.datagram import Datagram
from cbmnet.errors import ConfigError, LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import Acknowledged, EndpointBase, Received, Send
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.registry import Member, NoConfig
from cbmnet.reports.idle_faults import idle
from cbmnet.simulation.invariant import InvariantError
from cbmnet.simulation.trace import plain
from cbmnet.testing import (
    Corrupt,
    Crash,
    Datagrams,
    Delay,
    Drop,
    Duplicate,
    EndpointNetwork,
    EndpointPair,
    Node,
    Pause,
    SetClock,
    read_faults,
    write_faults,
)
from tests.testing.buggy import Numbered, NumberedConfig

MAKE = partial(StopAndWait, StopAndWaitConfig(2.5, 1.0, 5))


def at(sequence: int, attempt: int = 1, link: str = "a>b", kind: str = "notice") -> Datagrams:
    return Datagrams(link, kind, sequence=sequence, attempt=attempt)


@pytest.mark.parametrize("data", ["x", 7, bytearray(b"x")])
def test_data_that_are_no_bytes_are_refused(data: Any) -> None:
    """They would be sent and not counted, and a comparison of what was sent and accepted would hold."""
    pair = EndpointPair(MAKE)
    with pytest.raises(LocalProtocolError, match="data are bytes, not"):
        pair.send("a", "b", data)


class Echo(EndpointBase):
    """Answers every frame with two, for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def command(self, command: object, now: float) -> None:
        assert isinstance(command, Send)
        self.receive(command.data, command.peer, now)

    def receive(self, data: bytes, peer: str, now: float) -> None:
        for _ in range(2):
            self.count += 1
            self.outgoing.append(Datagram(data, peer, "echo", 1, 0, self.count))


def test_endpoints_that_answer_for_ever_are_told_in_seconds() -> None:
    """Twice as many datagrams at each step: not the steps are many, but what is sent."""
    pair = EndpointPair(Echo)
    pair.send("a", "b")
    with pytest.raises(SimulationError, match="more than 100000 datagrams were sent"):
        pair.drive()


def test_invariants_are_a_list() -> None:
    """A single name would pass for a list of letters."""
    with pytest.raises(LocalProtocolError, match="invariants are a list of names, not 'at-most-once'"):
        EndpointPair(MAKE, invariants="at-most-once")


def driven(*faults: Fault, messages: int = 3, **options: Any) -> EndpointPair:
    pair = EndpointPair(MAKE, faults=faults, **options)
    for _ in range(messages):
        pair.send("a", "b")
    pair.drive()
    return pair


def test_what_is_sent_arrives() -> None:
    """Three messages over a clean line: accepted in order, acknowledged, two seconds each."""
    pair = driven()
    assert pair.accepted == {("a", "b"): [b"1", b"2", b"3"]} == pair.sent
    assert [type(event) for event in pair.events["a"]] == [Acknowledged] * 3
    assert pair.events["b"][0] == Received("a", b"1")


@pytest.mark.parametrize(
    ("fault", "attempts", "accepted"),
    [
        (Drop(at(2)), [1, 2, 1], [b"1", b"2", b"3"]),
        (Drop(at(2, link="b>a", kind="link-ack")), [1, 2, 1], [b"1", b"2", b"2", b"3"]),
        (Drop(Datagrams("a>b", sequence=2)), [1, 5, 1], [b"1", b"3"]),
        (Delay(at(1), 1.0), [2, 1, 1], [b"1", b"1", b"2", b"3"]),
        (Duplicate(at(1), 0.5), [1, 1, 1], [b"1", b"1", b"2", b"3"]),
        (Corrupt(at(3), 0), [1, 1, 2], [b"1", b"2", b"3"]),
        (Crash(Node("b", 2.5), 1.0), [1, 2, 1], [b"1", b"2", b"3"]),
        (Pause(Node("b", 2.5), 0.8), [1, 1, 1], [b"1", b"2", b"3"]),
        # The jump passes the first deadline; then 2.5 s of its own take 1.25, less than the round trip.
        (SetClock(Node("a", 0.0), 5.0, 1.0), [3, 2, 2], [b"1", b"1", b"1", b"2", b"2", b"3", b"3"]),
    ],
)
def test_a_fault_does_what_it_says(fault: Fault, attempts: list[int], accepted: list[bytes]) -> None:
    """To the datagram or the party that it names, at its time, and to nothing else."""
    pair = driven(fault)
    assert [event.attempts for event in pair.events["a"] if hasattr(event, "attempts")] == attempts
    assert pair.accepted["a", "b"] == accepted


def test_a_schedule_is_text_and_back() -> None:
    """Every kind of fault is written and read unchanged."""
    faults = (
        Drop(at(1)), Delay(Datagrams("a>b"), 1.5), Duplicate(at(2), 0.0), Corrupt(at(3), 17),
        Crash(Node("a", 1.0), 2.0, loses_state=True), Pause(Node("b", 0.0), 1.0),
        SetClock(Node("a", 3.0), -1.0, 0.1),
    )  # fmt: skip
    text = write_faults(faults)
    assert read_faults(text) == faults
    assert len(text.splitlines()) == len(faults) + 2
    assert read_faults(write_faults(())) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[{", "f.json  is no JSON: Input data was truncated"),
        ('{"at": 1}', "f.json  must be a list of faults"),
        ('[{"at": {"link": "ab"}, "do": "drop"}]', '[0].at.link: is no link; write "from>to"'),
        ('[{"at": {"link": "a>b"}, "do": "eat"}]', "allowed are drop, delay, duplicate"),
        ('[{"at": {"link": "a>b", "seq": 1}, "do": "drop"}]', "a datagram has link, kind, stream"),
        ('[{"at": {"link": "a>b"}, "do": "delay", "by_s": -1.0}]', "[0].by_s: Expected `float` > 0.0"),
        ('[{"at": {"link": "a>b"}, "do": "delay"}]', "field `by_s`; a delay has at, by_s, do"),
        ('[{"at": {"link": "a>b"}, "do": "delay", "by_s": 1e999}]', "[0].by_s"),
        ('[{"at": {"node": "a", "time_s": 1.0}, "do": "crash", "for_s": 0.0}]', "Expected `float` > 0.0"),
        ('[{"at": {"node": "a", "time_s": 1.0}, "do": "set-clock", "drift": -1.0}]', "> -1.0"),
    ],
)  # fmt: skip
def test_a_bad_faults_file_is_one_clear_error(text: str, says: str) -> None:
    """The file, the fault's place in it, what is wrong and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        read_faults(text, "f.json")
    assert str(caught.value).startswith("f.json  ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_bad_fault_of_a_file_is_told() -> None:
    """Each with its number; the good one between them is none."""
    bad, good = '{"at": {"link": "a>b"}, "do": "eat"}', '{"at": {"link": "a>b"}, "do": "drop"}'
    with pytest.raises(ConfigError) as caught:
        read_faults(f"[{bad}, {good}, {bad}]")
    assert [fault.key for fault in caught.value.faults] == ["[0].do", "[2].do"]


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ([Drop(Datagrams("a>c"))], '[0].at.link = "a>c": no such link; there are a>b, b>a'),
        ([Crash(Node("c", 1.0), 1.0)], '[0].at.node = "c": no such party; there are a, b'),
        ([Drop(at(1)), Delay(at(1), 2.0)], "[1].at: the same datagrams as [0], which comes first"),
        ([Crash(Node("a", 1.0), 5.0), Pause(Node("a", 3.0), 1.0)], "a is already down by [0], from 1 to 6 s"),
    ],
)
def test_an_impossible_schedule_is_refused(faults: list[Fault], says: str) -> None:
    """What cannot happen in this network is told before anything runs."""
    with pytest.raises(ConfigError) as caught:
        EndpointPair(MAKE, faults=faults)
    assert says in str(caught.value)


def test_all_that_is_impossible_is_told_at_once() -> None:
    """Two faults, two lines."""
    with pytest.raises(ConfigError) as caught:
        EndpointPair(MAKE, faults=[Drop(Datagrams("a>c")), Pause(Node("d", 0.0), 1.0)])
    assert len(caught.value.faults) == 2


def test_invariants_hold_their_watch() -> None:
    """Stop-and-wait hands a repeated message up again, and says so in its notes: the invariant finds it."""
    with pytest.raises(InvariantError, match=r"at-most-once.*b accepted message 2 of a again"):
        driven(Drop(at(2, link="b>a", kind="link-ack")), invariants=("at-most-once",))
    driven(Drop(at(2)), invariants=("at-most-once", "in-order", "nothing-before-its-cause"))


def test_the_same_data_twice_is_the_tests_mistake() -> None:
    """Nothing could tell the two apart."""
    pair = EndpointPair(MAKE)
    pair.send("a", "b", b"x")
    with pytest.raises(LocalProtocolError, match="before; data must differ"):
        pair.send("a", "b", b"x")


class Restless(EndpointBase):
    """Wakes up every second for ever."""

    def command(self, command: Any, now: float) -> None:
        return None

    def receive(self, data: bytes, peer: str, now: float) -> None:
        return None

    def next_timer(self) -> float | None:
        return self.next_s

    next_s = 1.0

    def handle_timer(self, now: float) -> None:
        self.next_s = now + 1.0


def test_a_network_that_never_falls_silent_is_told() -> None:
    """`drive` stops after its steps and names who is still waiting for what."""
    pair = EndpointPair(Restless, MAKE)
    pair.send("a", "b")
    with pytest.raises(SimulationError, match=r"still busy after 50 steps, at 50 s.*a \(Restless\) at 51.0"):
        pair.drive(50)


def test_a_step_jumps_to_what_is_due_next() -> None:
    """From the sending to the arrival, to the acknowledgement, and then nothing is due but stale timers."""
    pair = EndpointPair(MAKE)
    pair.send("a", "b")
    times = []
    while pair.step():
        times.append(pair.now)
    assert times == [1.0, 2.0, 2.5]


def test_several_ways_lead_to_a_peer() -> None:
    """Each route has a name of its own, by which faults know it."""
    pair = EndpointPair(MAKE, routes=2)
    assert pair.links == ["a>b", "a@1>b@1", "b>a", "b@1>a@1"]


def test_three_parties_hear_those_who_speak_to_them() -> None:
    """A message to c reaches c alone."""
    net = EndpointNetwork({name: partial(Numbered, NumberedConfig()) for name in "abc"})
    net.send("a", "c", b"x")
    net.drive()
    assert net.accepted == {("a", "c"): [b"x"]}
    assert net.events["b"] == []


def test_a_party_that_lost_its_state_takes_an_old_copy_for_new() -> None:
    """Why a receiver needs durable state: without it, what it had accepted is accepted again."""
    late = Duplicate(at(1), 10.0)
    crash = Crash(Node("b", 2.0), 1.0, loses_state=True)
    make = partial(Numbered, NumberedConfig())
    for faults, times in (([late], 1), ([late, crash], 2)):
        pair = EndpointPair(make, faults=faults)
        pair.send("a", "b", b"x")
        pair.drive()
        assert pair.accepted["a", "b"].count(b"x") == times


class Twice(EndpointBase):
    """Hands its driver the same datagram a second time."""

    def command(self, command: Any, now: float) -> None:
        self.outgoing += [Numbered(NumberedConfig()).datagram_of(command)] * 2

    def receive(self, data: bytes, peer: str, now: float) -> None:
        raise KeyError("a")


def test_two_datagrams_under_one_label_are_refused() -> None:
    """They would share every draw and every fault; the label is named."""
    with pytest.raises(SimulationError, match=r"a sends notice/1/0/1#1.0 to b a second time"):
        EndpointPair(Twice).send("a", "b")


def test_a_party_that_lost_its_state_may_begin_its_numbers_anew() -> None:
    """Its labels come again, and that is no mistake of its variant's."""
    pair = EndpointPair(MAKE, faults=[Crash(Node("a", 3.0), 1.0, loses_state=True)])
    pair.send("a", "b", b"x")
    pair.at(5.0, lambda: pair.command("a", Send("b", b"y", "notice", 1, 0, 1)))
    pair.drive()
    assert pair.accepted["a", "b"] == [b"x", b"y"]


def test_a_variant_that_fails_is_told_with_its_file_and_line() -> None:
    """The innermost frame: where its author has to look."""
    pair = EndpointPair(MAKE, Twice)
    pair.send("a", "b")
    says = r"b \(Twice\): failed at 1.0 s: KeyError: 'a' \(.*test_network.py:\d+\)"
    with pytest.raises(SimulationError, match=says):
        pair.drive()


class Losing:
    """A stage that answers with nonsense."""

    def __init__(self, config: Any, link: Any) -> None:
        return

    def apply(self, flight: Any, now_s: float) -> Any:
        return 5


def test_an_error_says_its_seed_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside party, variant, link and stage: all that is needed to see it again."""
    monkeypatch.setitem(STAGES._members, "losing", Member("losing", Losing, NoConfig))
    pair = EndpointPair(MAKE, seed=77, stages=[("losing", NoConfig())])
    pair.at(3.0, lambda: pair.send("a", "b"))
    says = r"^seed 77, 3 s: a \(stop-and-wait\): link a>b/0, stage 0 \(losing\): returned 5"
    with pytest.raises(SimulationError, match=says):
        pair.drive()


class Nameless(EndpointBase):
    """Sends a datagram of no kind."""

    def command(self, command: Any, now: float) -> None:
        self.outgoing.append(Datagram(b"x", "b", None, 1, 0, 1))  # type: ignore[arg-type]

    def receive(self, data: bytes, peer: str, now: float) -> None:
        return


def test_a_datagram_of_no_kind_is_told() -> None:
    """It would be found by no fault, and no diagram could name it."""
    pair = EndpointPair(Nameless)
    with pytest.raises(SimulationError, match="a sends a datagram of the kind None to b; a kind is a word"):
        pair.send("a", "b")


def test_a_fault_that_leads_into_a_crash_did_something() -> None:
    """The delay lost the datagram, since it came when b was down; without it, it would have arrived."""

    class Everything:
        wants = (records.Send, records.Deliver, records.Drop, records.Duplicate)

        def __init__(self) -> None:
            self.records: list[Any] = []

        def feed(self, record: Any) -> None:
            self.records.append(record)

    seen = Everything()
    delay = {"at": {"link": "a>b", "kind": "notice", "attempt": 1}, "do": "delay", "by_s": 5.0}
    crash = {"at": {"node": "b", "time_s": 5.5}, "do": "crash", "for_s": 2.0}
    pair = EndpointPair(MAKE, faults=[delay, crash], observers=[seen])
    pair.send("a", "b")
    pair.drive()
    assert {record.reason for record in seen.records if isinstance(record, records.Drop)} == {"receiver down"}
    assert idle(pair.faults, [plain(record) for record in seen.records]) == []
