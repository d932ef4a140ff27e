"""Stages and variants that go wrong: a clear error that says who, where and when."""

import re
from math import nan
from typing import Any

import pytest

from cbmnet.channels.link import Link, Route, build_route
from cbmnet.channels.stages.constant import Constant, ConstantConfig
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import VARIANTS, EndpointBase, Received, Send
from cbmnet.protocols.variants.fire_and_forget import FireAndForget
from cbmnet.recorder import Recorder
from cbmnet.records import Drop
from cbmnet.registry import NoConfig
from cbmnet.streams import Streams


class Wrong:
    """A stage that does what it was made with."""

    def __init__(self, act: Any) -> None:
        self._act = act

    def apply(self, flight: Any, now_s: float) -> Any:
        return self._act(flight)


def set_time(value: Any) -> Any:
    def act(flight: Any) -> None:
        flight.at_s = value

    return act


def set_reason(flight: Any) -> None:
    flight.drop = 5


class Sees:
    wants = (Drop,)

    def feed(self, record: Any) -> None:
        return None


def network(endpoint: Any, *hops: Any) -> tuple[Clock, Host]:
    env, recorder = Clock(max_steps_at_once=1000), Recorder([Sees()])
    a = Host(env, "a", endpoint, lambda event: None, recorder)
    b = Host(env, "b", FireAndForget(NoConfig()), lambda event: None, recorder)
    links = [Link(f"a>b/{k}", part, Streams(1, 0).link(f"a>b/{k}")) for k, part in enumerate(hops)]
    a.connect(Route("a", "b", links), b)
    return env, a


def send(host: Host, env: Clock) -> None:
    host.command(Send("b", b"x", "notice", 1, 0, 1))
    env.run()


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda flight: "x", "returned 'x'; a stage returns a further Flight or None"),
        (lambda flight: flight, "returned the flight itself; a stage returns a further Flight or None"),
        (lambda flight: True, "returned True"),
        (set_time(nan), "s to nan s; it is a finite number"),
        (set_time(-1.0), "never goes back"),
        (set_time("soon"), "to 'soon' s"),
        (lambda flight: 1 / 0, "ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("ordered", [False, True])
def test_a_stage_that_answers_with_nonsense_is_named(act: Any, says: str, ordered: bool) -> None:
    """The link, the stage's number and name, and what it did; in the first leg and in a later one."""
    wrong, delay = Wrong(act), Constant(ConstantConfig(1.0), None)  # type: ignore[arg-type]
    wrong.ordered = ordered
    env, a = network(FireAndForget(NoConfig()), [delay], [delay, wrong])
    with pytest.raises(SimulationError) as caught:
        send(a, env)
    assert "link a>b/1, stage 1 (Wrong)" in str(caught.value)
    assert says in str(caught.value)


def test_a_reason_that_is_no_text_is_refused() -> None:
    """A loss has its reason in words."""
    _, a = network(FireAndForget(NoConfig()), [Wrong(set_reason)])
    with pytest.raises(SimulationError, match=r"reason 5 for a loss; a reason is text"):
        a.command(Send("b", b"x", "notice", 1, 0, 1))


def test_a_peer_without_a_way_is_named() -> None:
    """A variant that sends to somebody unknown is told where it may send."""
    _, a = network(FireAndForget(NoConfig()), [])
    with pytest.raises(SimulationError, match=r"a \(fire-and-forget\): no way to 'c'; there are b"):
        a.command(Send("c", b"x", "notice", 1, 0, 1))


class Breaks(EndpointBase):
    """An endpoint that fails on whatever comes."""

    def command(self, command: Any, now: float) -> None:
        self.events.append(command)

    def receive(self, data: bytes, peer: str, now: float) -> None:
        raise IndexError("window")

    def next_timer(self) -> float | None:
        return "soon" if self.events else None  # type: ignore[return-value]


def test_an_endpoint_that_fails_is_named() -> None:
    """A variant's own exception comes out as an error that names the party, the variant and the time."""
    env, a = network(FireAndForget(NoConfig()), [])
    b = Host(env, "b", Breaks(), lambda event: None, Recorder())
    a.connect(build_route("a", "b", [[("constant", ConstantConfig(3.0))]], Streams(1, 0)), b)
    a.command(Send("b", b"x", "notice", 1, 0, 1))
    with pytest.raises(SimulationError, match=r"b \(Breaks\): failed at 3.0 s: IndexError: window"):
        env.run()


class Restless(Breaks):
    """Wants to be woken at no time at all."""

    def next_timer(self) -> float | None:
        return nan


def test_a_timer_that_is_no_time_is_told() -> None:
    """Not a million steps later, as something that spins."""
    with pytest.raises(SimulationError, match=r"a \(Restless\): failed at 0 s: .* next_timer\(\) is nan"):
        Host(Clock(), "a", Restless(), lambda event: None, Recorder()).pump()


def test_a_reason_that_is_no_text_is_refused_also_where_nobody_listens() -> None:
    """Else a run would pass, and its explanation fail."""
    env, stage = Clock(), Wrong(set_reason)
    a, b = (Host(env, name, FireAndForget(NoConfig()), lambda event: None, Recorder()) for name in "ab")
    a.connect(Route("a", "b", [Link("a>b/0", [stage], Streams(1, 0).link("a>b/0"))]), b)
    with pytest.raises(SimulationError, match=r"reason 5 for a loss; a reason is text"):
        a.command(Send("b", b"x", "notice", 1, 0, 1))


def test_two_that_answer_each_other_at_once_are_stopped() -> None:
    """A loop over a link without delay is found, also where no timer is set."""
    env = Clock(max_steps_at_once=1000)
    hosts = {}

    def again(name: str, other: str) -> Any:
        return lambda event: hosts[name].command(Send(other, b"x", "notice", 1, 0, 1))

    for name, other in ("ab", "ba"):
        hosts[name] = Host(env, name, FireAndForget(NoConfig()), again(name, other), Recorder())
    for name, other in ("ab", "ba"):
        route = build_route(name, other, [[("constant", ConstantConfig(0.0))]], Streams(1, 0))
        hosts[name].connect(route, hosts[other])
    hosts["a"].command(Send("b", b"x", "notice", 1, 0, 1))
    with pytest.raises(SimulationError, match=r"(a|b) \(fire-and-forget\): more than 1000 steps at 0"):
        env.run()


def test_events_without_end_are_stopped() -> None:
    """A handler that gives a command for each event of that command is stopped as well."""
    env = Clock(max_steps_at_once=1000)

    def again(event: Any) -> None:
        a.command(event)

    a = Host(env, "a", Breaks(), again, Recorder())
    with pytest.raises(SimulationError, match=r"a \(Breaks\): more than 1000 events at 0"):
        a.command(Received("b", b"x"))


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("received", "'received' stands among the events"),
        (("b", b"x"), "stands among the events"),
        (None, "None stands among the events"),
        (Received, "the class Received itself stands among the events"),
        (Received("b", "x"), "Received with data of type str; they are bytes"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_event_is_told(event: Any, says: str) -> None:
    """Else a misspelt event would be silence, and silence is evidence here."""
    host = Host(Clock(), "a", Breaks(), lambda event: None, Recorder())
    with pytest.raises(SimulationError, match=rf"a \(Breaks\): at 0 s .*{re.escape(says)}"):
        host.command(event)


def test_what_lacks_a_method_is_no_endpoint() -> None:
    """Told when it is made, with what is missing and what there must be."""
    says = r"a \(object\): has no receive, command, .*; an endpoint has receive, command, handle_timer"
    with pytest.raises(SimulationError, match=says):
        Host(Clock(), "a", object(), lambda event: None, Recorder())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(set(VARIANTS.names())))
@pytest.mark.parametrize(
    "wrong", [{"stream": 65536}, {"epoch": 1 << 32}, {"sequence": -1}, {"sequence": "1"}, {"data": "text"},
              {"data": bytes(65537)}],
)  # fmt: skip
def test_an_order_that_no_frame_can_carry_is_its_givers_error(name: str, wrong: dict[str, Any]) -> None:
    """Every variant refuses it before it sends or counts anything, and goes on."""
    member = VARIANTS[name]
    needed = {key: 3.0 for key in ("rto_s", "spacing_s") if key in member.config.__dataclass_fields__}
    endpoint: Any = member.make(member.config(**needed))
    good = {"peer": "b", "data": b"x", "kind": "notice", "stream": 1, "epoch": 0, "sequence": 1}
    with pytest.raises(LocalProtocolError, match="a frame carries up to 65536 bytes"):
        endpoint.command(Send(**good | wrong), 0.0)
    assert endpoint.datagrams_to_send() == []
    assert endpoint.next_timer() is None
    endpoint.command(Send(**good), 0.0)
    assert endpoint.datagrams_to_send() != []
