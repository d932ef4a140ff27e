"""Endpoints in other processes: nodes that go wrong, nodes that join a run, and how they end."""

import asyncio
import gc
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, ValidationError
from msgspec.structs import fields

from cbmnet.channels.faults import Crash, Node
from cbmnet.drivers.asyncio_driver import UdpHost
from cbmnet.drivers.stdio_driver import StdioEndpoint
from cbmnet.drivers.stdio_lines import COMMANDS, EVENTS, LINES, Command, Init, Lines, Outputs, tag_of
from cbmnet.drivers.stdio_node import config_of, serve
from cbmnet.drivers.stdio_process import NodeProcess, NodeProcessError
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.protocols import events
from cbmnet.protocols.endpoint import Acknowledged, Broadcast, Received, Settled
from cbmnet.protocols.variants.relay import RelayConfig
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.testing import EndpointNetwork
from tests.protocols.by_hand import note

from .test_asyncio_driver import LOCAL, until

WRONG = [sys.executable, str(Path(__file__).with_name("wrong_nodes.py"))]
NODE = [sys.executable, "-m", "cbmnet", "node", "stop-and-wait", "--set", "rto_s=3"]
AB = ("a", "b")


def is_gone(process: NodeProcess) -> bool:
    """Whether the process has ended and been waited for."""
    try:
        os.kill(process._process.pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def node() -> Iterator[NodeProcess]:
    """A node of `cbmnet node stop-and-wait`."""
    with NodeProcess(NODE) as process:
        yield process
    assert is_gone(process)


# --- nodes that go wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("die", r"ended without an answer; exit code 7; its last words:\nthe last straw"),
        ("stay silent", r"gave no answer within 0.5 s; exit code -9"),
        ("flood", "said more than 16777216 bytes without an end of the line"),
        ("no json", "said what is no answer: JSON is malformed.*: b'hello'"),
        ("no utf-8", "said what is no answer: .*utf-8"),
        ("a thousand arrays", "said what is no answer: .*"),
        ("an array", "said what is no answer: Expected `object`, got `array`"),
        ("nan", "said what is no answer: JSON is malformed"),
        ("infinity", "said what is no answer: Number out of range"),
        ("another's number", "answered 2, asked was 1"),
        ("another answer", "answered by InitOk, not Outputs"),
        ("a strange event", "told an event that is none: Invalid value 'shouted'"),
        ("an event with a field too many", "told an event that is none: .*unknown field `when`"),
        ("no base64", "said what is no answer: Invalid base64"),
        ("a label too large", "said what is no answer: Expected `int` <= 65535 .*attempt"),
        ("a label below 0", "said what is no answer: Expected `int` >= 0 .*sequence"),
        ("crash", "error 13: it broke"),
        ("refuse", "error 12: not so"),
    ],
)
def test_a_node_that_goes_wrong_is_one_clear_error(wrong: str, said: str) -> None:
    """It names the party, what was asked and when, and what is wrong; the process has ended, and stays so."""
    with NodeProcess([*WRONG, wrong], 0.5 if wrong == "stay silent" else 10.0) as process:
        endpoint = StdioEndpoint(process, "a", AB)
        with pytest.raises(SimulationError, match=rf"(?s)^node a, asked for receive from b at 2.5 s: {said}"):
            endpoint.receive(b"x", "b", 2.5)
        assert is_gone(process)
        assert not process.is_open
        with pytest.raises(SimulationError, match=r"asked for timer at 3\.0 s: its process was ended before"):
            endpoint.handle_timer(3.0)


def test_a_node_that_speaks_unasked_is_found_at_the_next_question() -> None:
    """Its second answer is not taken for the answer to what is asked then."""
    with NodeProcess([*WRONG, "answer twice"]) as process:
        endpoint = StdioEndpoint(process, "a", AB)
        endpoint.receive(b"x", "b", 1.0)
        time.sleep(0.2)  # both lines were flushed one after the other; the second may be on its way
        with pytest.raises(SimulationError, match=r"without being asked|answered 1, asked was 2"):
            endpoint.receive(b"y", "b", 2.0)


def test_a_node_may_say_much_on_standard_error() -> None:
    """300 kB, more than its pipe holds, block nothing."""
    with NodeProcess([*WRONG, "shout"]) as process:
        endpoint = StdioEndpoint(process, "a", AB)
        endpoint.receive(b"x", "b", 1.0)
        assert endpoint.next_timer() is None
        assert len(process._tail) <= 2048


@pytest.mark.parametrize("wrong", ["past", "now"])
def test_a_node_whose_timer_never_moves_on_spins_and_is_ended(wrong: str) -> None:
    """With time that stands still or timers that bring nothing: after a thousand, not after a million."""
    with NodeProcess([*WRONG, wrong]) as process:
        network = EndpointNetwork(
            {
                "a": lambda: StdioEndpoint(process, "a", AB),
                "b": lambda: StopAndWait(StopAndWaitConfig(1.0)),
            }
        )
        network.at(1.0, lambda: network.send("a", "b"))
        with pytest.raises(SimulationError, match=r"1001 times its next_timer was not ahead"):
            network.drive()
        assert is_gone(process)


def test_a_way_that_is_not_there_is_told_by_the_driver_as_of_any_endpoint() -> None:
    """The node sends to z."""
    with NodeProcess([*WRONG, "nobody's way"]) as process:
        makes = {"a": lambda: StdioEndpoint(process, "a", AB), "b": lambda: StdioEndpoint(process, "b", AB)}
        network = EndpointNetwork({"a": makes["a"], "b": lambda: StopAndWait(StopAndWaitConfig(1.0))})
        with pytest.raises(SimulationError, match="no way to 'z'; there are b"):
            network.send("a", "b")


def test_a_program_that_is_not_there_or_ends_at_once() -> None:
    """OSError for the one, for the other the error of its first question."""
    with pytest.raises(OSError, match="No such file"):
        NodeProcess(["/nowhere/node"])
    with (
        NodeProcess([sys.executable, "-c", "raise SystemExit('no node here')"]) as process,
        pytest.raises(SimulationError, match=r"(?s)node a, asked for init: .*exit code 1.*no node here"),
    ):
        StdioEndpoint(process, "a", AB)


# --- how a process ends -------------------------------------------------------------------------


def test_closing_ends_the_process_by_the_end_of_its_input() -> None:
    """Exit code 0; closing again changes nothing; nothing is left for the collector to complain of."""
    with NodeProcess(NODE) as process:
        StdioEndpoint(process, "a", AB)
    process.close()
    assert process._process.returncode == 0
    with pytest.raises(NodeProcessError, match="ended before"):
        process.ask(b"\n")
    del process
    gc.collect()


def test_a_node_that_hears_no_signal_is_killed_with_its_children() -> None:
    """It ignores SIGTERM, and so does its child, which holds the pipes open."""
    program = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, file=sys.stderr, flush=True)\n"
        "time.sleep(60)\n"
    )
    with NodeProcess([sys.executable, "-c", program], 1.0) as process:
        with pytest.raises(NodeProcessError, match="no answer") as caught:
            process.ask(b"{}\n")
        child = int(str(caught.value).splitlines()[-1])
    assert process._process.returncode == -signal.SIGKILL
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True, check=False
    )
    assert state.stdout.strip() in ("", "Z")


# --- nodes that join a run ----------------------------------------------------------------------


def test_a_process_serves_one_endpoint_after_another(node: NodeProcess) -> None:
    """A further init begins anew; the endpoint before has no say any more."""
    first = StdioEndpoint(node, "a", AB)
    first.command(note(1), 0.0)
    assert first.next_timer() == 3.0
    second = StdioEndpoint(node, "b", AB, config={"rto_s": 7.0})
    with pytest.raises(LocalProtocolError, match="node a: another endpoint has its process"):
        first.handle_timer(3.0)
    second.handle_timer(3.0)
    assert second.datagrams_to_send() == []
    second.command(note(1, "a"), 0.0)
    assert second.next_timer() == 7.0


def test_wrong_commands_are_the_callers_error_and_change_nothing(node: NodeProcess) -> None:
    """One that the variant refuses, one that has no form on a line; the endpoint goes on."""
    endpoint = StdioEndpoint(node, "a", AB)
    with pytest.raises(LocalProtocolError, match="a variant takes Send, not Broadcast"):
        endpoint.command(Broadcast(("b",), b"x", "notice", 1, 0, 1), 0.0)
    with pytest.raises(LocalProtocolError, match="node a: int has no form on a line"):
        endpoint.command(5, 0.0)
    endpoint.command(note(1), 0.0)
    assert [d.label for d in endpoint.datagrams_to_send()] == [("notice", 1, 0, 1, 1, 0)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"variant": "pigeon"}, 'error 10: variants: no "pigeon"; there are .*'),
        ({"config": {"rto_s": 0}}, "error 12: stop-and-wait: needs rto longer than 0"),
        ({"config": {"rto": 1}}, "error 12: stop-and-wait has no setting rto; there are rto_s, backoff"),
    ],
)
def test_what_a_node_cannot_be_is_told(node: NodeProcess, options: dict[str, Any], said: str) -> None:
    """An unknown variant and wrong settings."""
    with pytest.raises(SimulationError, match=f"node a, asked for init: {said}"):
        StdioEndpoint(node, "a", AB, **options)


def test_a_crash_that_loses_the_state_begins_the_node_anew(node: NodeProcess) -> None:
    """The network makes its endpoint again, on the same process: what it knew is forgotten."""
    network = EndpointNetwork(
        {"a": lambda: StdioEndpoint(node, "a", AB), "b": lambda: StopAndWait(StopAndWaitConfig(3.0))},
        faults=[Crash(Node("a", 0.5), 1.0, loses_state=True)],
    )
    network.send("a", "b")
    network.drive()
    assert network.events == {"a": [], "b": [Received("a", b"1")]}


async def test_a_node_speaks_over_real_sockets(node: NodeProcess) -> None:
    """Under the UDP driver, in real time, with an endpoint in this process at the other end."""
    told: dict[str, list[Any]] = {"a": [], "b": []}
    there = StdioEndpoint(node, "a", AB)
    b = await UdpHost.open(StopAndWait(StopAndWaitConfig(3.0)), LOCAL, {}, told["b"].append, now_s=0.0)
    a = await UdpHost.open(there, LOCAL, {"b": b.address}, told["a"].append, now_s=0.0)
    b.know("a", a.address)
    for number in range(1, 11):
        a.command(note(number))
    await until(lambda: len(told["a"]) == 10)
    await asyncio.gather(a.aclose(), b.aclose())
    assert told["a"] == [Acknowledged("b", 1, number, 1) for number in range(1, 11)]


# --- the lines, and the node's side -------------------------------------------------------------


def example(kind: Any) -> Any:
    """An instance of a command or event, each field with a value of its own."""
    values = {str: "b", bytes: b"\x00\xff", int: 2**53 - 1, bool: True, tuple[str, ...]: ("b", "c")}
    return kind(*(values[field.type] for field in fields(kind)))


@pytest.mark.parametrize("kind", [*COMMANDS, *EVENTS], ids=tag_of)
def test_every_command_and_event_comes_back_from_a_line_as_it_was(kind: Any) -> None:
    """With its own type, so that a driver cannot tell it from one made here."""
    said = example(kind)
    if kind in COMMANDS:
        line = LINES.write("d", "a", Command(msg_id=1, now=0.1, command=LINES.tagged(said)))
        _, _, request = LINES.read_request(line)
        back = LINES.command(request.command)  # type: ignore[union-attr]
    else:
        out = Outputs(in_reply_to=1, datagrams=[], events=[LINES.tagged(said)], next_timer=0.1)
        back = LINES.event(LINES.read_answer(LINES.write("a", "d", out)).events[0])  # type: ignore[union-attr]
    assert back == said
    assert type(back) is kind


def test_all_events_are_known_to_the_lines_and_to_the_page() -> None:
    """Each event of protocols/events.py has its row in STDIO.md with its fields."""
    page = (Path(__file__).parents[2] / "cbmnet/drivers/STDIO.md").read_text()
    named = [
        k for k in vars(events).values() if isinstance(k, type) and issubclass(k, Struct) and k is not Struct
    ]
    assert {*EVENTS, Broadcast} == set(named)
    for kind in EVENTS:
        (row,) = [
            row
            for row in page.splitlines()
            if f"`{tag_of(kind)}`" in row.partition(" | ")[0] and row[:1] == "|"
        ]
        assert all(f"`{field}`" in row for field in kind.__struct_fields__), kind  # type: ignore[attr-defined]


def test_times_keep_their_last_bit() -> None:
    """Numbers that are no short decimals, small ones and large ones."""
    for now in (0.1 + 0.2, 1e-300, 1.7e9 + 1e-6, 2.0**60 + 2.0**8):
        line = LINES.write("d", "a", Command(msg_id=1, now=now, command={}))
        assert LINES.read_request(line)[2].now == now  # type: ignore[union-attr]


def test_a_variant_may_bring_commands_and_events_of_its_own() -> None:
    """Named to `Lines`, they pass; to the plain ones they have no form."""

    class PullTheCord(Struct, frozen=True):
        times: int

    lines = Lines(said=[*EVENTS, PullTheCord])
    tagged = lines.tagged(PullTheCord(3))
    out = Outputs(in_reply_to=1, datagrams=[], events=[tagged], next_timer=None)
    answer = lines.read_answer(lines.write("a", "d", out))
    assert lines.event(answer.events[0]) == PullTheCord(3)  # type: ignore[union-attr]
    with pytest.raises(TypeError, match="PullTheCord has no form"):
        LINES.tagged(PullTheCord(3))
    with pytest.raises(ValidationError, match="pull_the_cord"):
        LINES.event({"type": "pull_the_cord", "times": 3})


def converse(*requests: bytes, make: Any = None) -> tuple[list[dict[str, Any]], bool]:
    """What a node in this process answers."""
    answers = BytesIO()
    good = serve(
        make or (lambda init: StopAndWait(StopAndWaitConfig(3.0))), BytesIO(b"\n".join(requests)), answers
    )
    return [json.loads(line)["body"] for line in answers.getvalue().splitlines()], good


def asks(**body: Any) -> bytes:
    return json.dumps({"src": "d", "dest": "a", "id": 5, "body": {"msg_id": 4} | body}).encode()


BEGIN = asks(type="init", node_id="a", node_ids=["a", "b"])


@pytest.mark.parametrize(
    ("request_", "code", "said"),
    [
        (b"hello", 12, "malformed"),
        (b"", 12, "malformed|truncated"),
        (b'{"src": "d"}', 12, "dest"),
        (asks(type="sing"), 10, "no request 'sing'; there are init, receive, command, timer"),
        (asks(type="timer"), 12, "`now`"),
        (asks(type="timer", now="soon"), 12, r"\$.now"),
        (asks(type="timer", now=1, then=2), 12, "then"),
        (asks(type="receive", now=1, peer="b", data="?"), 12, "base64"),
        (asks(type="command", now=1, command={"type": "sing"}), 12, "sing"),
        (asks(type="command", now=1, command={"type": "send", "peer": "b"}), 12, "data"),
    ],
)
def test_a_wrong_request_is_an_error_and_the_node_goes_on(request_: bytes, code: int, said: str) -> None:
    """The error has the request's number if there is one; the next request is answered as if nothing was."""
    order = asks(type="command", now=0.0, command={"type": "send", **json.loads(SEND)})
    (_, refused, done), good = converse(BEGIN, request_, order)
    assert (refused["type"], refused["code"]) == ("error", code)
    assert re.search(said, refused["text"])
    assert refused["in_reply_to"] == (4 if b"msg_id" in request_ else 0)
    assert done["next_timer"] == 3.0
    assert good


SEND = '{"peer": "b", "data": "eA==", "kind": "notice", "stream": 1, "epoch": 0, "sequence": 1}'


def test_before_its_init_a_node_is_nobody() -> None:
    """Any other request is wrong then."""
    (refused,), _ = converse(asks(type="timer", now=1.0))
    assert refused["text"] == "the first request is init"


def test_an_endpoint_that_fails_ends_its_node(capsys: pytest.CaptureFixture[str]) -> None:
    """Error 13 says what, standard error has the trace, and what is asked after it has no answer."""

    class Broken(StopAndWait):
        def handle_timer(self, now: float) -> None:
            raise ZeroDivisionError("by the clock")

    answers, good = converse(
        BEGIN, *[asks(type="timer", now=1.0)] * 2, make=lambda init: Broken(StopAndWaitConfig(3.0))
    )
    assert [answer["type"] for answer in answers] == ["init_ok", "error"]
    assert (answers[1]["code"], answers[1]["text"]) == (13, "ZeroDivisionError: by the clock")
    assert "by the clock" in capsys.readouterr().err
    assert not good


def test_an_endpoint_learns_its_name_and_may_speak_at_once() -> None:
    """`node_id` becomes `me`; what is there from the start is in the answer to init."""

    class Eager(StopAndWait):
        def next_timer(self) -> float | None:
            return 9.0 if self.me == "a" else None

    def make(init: Init) -> Eager:
        endpoint = Eager(StopAndWaitConfig(3.0))
        endpoint.command(note(1), 0.0)
        endpoint.events.append(Settled(1, 0, 1, ("b",), ()))
        return endpoint

    (said,), _ = converse(BEGIN, make=make)
    assert said["next_timer"] == 9.0
    assert (len(said["datagrams"]), said["events"][0]["type"]) == (1, "settled")


def test_settings_come_as_values_or_as_text() -> None:
    """Numbers, lists with commas, and what is wrong with them."""
    assert config_of("relay", {"rto_s": "1.5", "serves": "b,c", "max_sends": "3"}) == RelayConfig(
        rto_s=1.5, serves=("b", "c"), max_sends=3
    )
    assert config_of("relay", {"rto_s": 2, "serves": ["b"]}) == RelayConfig(rto_s=2.0, serves=("b",))
    for wrong, said in (
        ({"rto_s": "soon"}, "relay: rto_s: Expected `float`, got `str`"),
        ({"rto_s": "inf"}, "relay: rto_s must be finite"),
        ({}, "relay: Object missing required field `rto_s`"),
        ({"rto_s": "1", "max_sends": "1.5"}, "relay: max_sends: Expected `int`"),
        ({"rto_s": "1", "hold_s": "0"}, "relay: needs hold longer than 0"),
    ):
        with pytest.raises(ValueError, match=said):
            config_of("relay", wrong)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pigeon"], 'cbmnet: node: no variant "pigeon"; there are blind-copies'),
        (["stop-and-wait", "--set", "rto_s=0"], "cbmnet: node: stop-and-wait: needs rto longer than 0"),
        (
            ["stop-and-wait", "--set", "rto=1"],
            "cbmnet: node: stop-and-wait has no setting rto; there are",
        ),
    ],
)
def test_the_verb_refuses_what_it_cannot_serve(arguments: list[str], said: str) -> None:
    """Exit code 2, one line on standard error, nothing on standard output."""
    command = [sys.executable, "-m", "cbmnet", "node", *arguments]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_the_node_of_the_page_takes_its_place_in_a_network(tmp_path: Path) -> None:
    """The Python of STDIO.md, as it stands there, with the command of this environment."""
    page = (Path(sys.modules[StdioEndpoint.__module__].__file__).parent / "STDIO.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    command = f'[{sys.executable!r}, "-m", "cbmnet", '
    done = subprocess.run(
        [sys.executable, "-c", code.replace('["cbmnet", ', command)],
        capture_output=True, text=True, cwd=tmp_path, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "{('a', 'b'): [b'1']}\n"
