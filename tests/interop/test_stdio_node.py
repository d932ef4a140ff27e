"""A node in JavaScript, written from STDIO.md, takes part in a run as an endpoint in Python would."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.channels.stages.uniform import UniformConfig
from cbmnet.drivers.stdio_driver import StdioEndpoint
from cbmnet.drivers.stdio_process import NodeProcess
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import Acknowledged, Broadcast, Endpoint, GaveUp, Malformed, Received, Send
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.testing import EndpointNetwork

from .test_node import _give_up

NODE = ["node", str(Path(__file__).parent / "node.mjs")]
CONFIG = {"rto_s": 3.0, "backoff": 1.5, "max_sends": 4}
pytestmark = pytest.mark.filterwarnings("always:the second implementation")
STAGES = [
    ("bernoulli", BernoulliConfig(0.3)),
    ("duplication", DuplicationConfig(0.2)),
    ("uniform", UniformConfig(0.2, 2.5)),
]


@pytest.fixture
def node() -> Iterator[NodeProcess]:
    """The process of one node."""
    if not shutil.which("node"):
        _give_up("node is not here")
    with NodeProcess(NODE) as process:
        yield process


def python() -> Endpoint:
    return StopAndWait(StopAndWaitConfig(**CONFIG))


def script(node_of_b: Callable[[], Endpoint], seed: int) -> tuple[dict[str, list[Any]], float]:
    """Sixty messages each way on two streams, half of them at once, over a line that loses and doubles."""
    network = EndpointNetwork({"a": python, "b": node_of_b}, stages=STAGES, seed=seed)
    for number in range(60):
        source, target = ("a", "b") if number % 3 else ("b", "a")
        send = partial(
            network.send, source, target, b"%s %d" % (source.encode(), number), stream=1 + number % 2
        )
        network.at(4.0 * (number // 2), send)
    network.drive()
    return network.events, network.now


@pytest.mark.parametrize("seed", range(5))
def test_a_node_in_javascript_gives_the_run_of_two_endpoints_in_python(node: NodeProcess, seed: int) -> None:
    """The same events at both parties and the same end, over a line that loses, doubles and reorders."""
    mixed = script(lambda: StdioEndpoint(node, "b", ("a", "b"), variant="stop-and-wait", config=CONFIG), seed)
    alike = script(python, seed)
    assert mixed == alike
    kinds = {type(event) for event in mixed[0]["b"]}
    assert kinds == {Received, Acknowledged, GaveUp}
    assert any(event.attempts > 1 for event in mixed[0]["b"] if type(event) is Acknowledged)


def test_large_frames_and_numbers_are_written_alike(node: NodeProcess) -> None:
    """Frames of every width of length and number, byte for byte."""
    there, here = StdioEndpoint(node, "a", ("a", "b"), config=CONFIG), python()
    for size, sequence in (
        (0, 0),
        (1, 127),
        (255, 128),
        (256, 255),
        (300, 65535),
        (8192, 2**32),
        (1, 2**53 - 1),
    ):
        send = Send("b", bytes(size), "notice", 300, 2**32 - 1, sequence)
        for endpoint in (there, here):
            endpoint.command(send, 1.0)
            (data,) = endpoint.datagrams_to_send()
            endpoint.receive(data.data, "b", 1.0)  # its own data come back, and are acknowledged
            (ack,) = endpoint.datagrams_to_send()
            endpoint.receive(ack.data, "b", 1.0)
            ours = (data, ack, endpoint.next_event(), endpoint.next_event(), endpoint.next_timer())
            if endpoint is there:
                theirs = ours
        assert ours == theirs


def test_what_the_node_does_not_take_is_told(node: NodeProcess) -> None:
    """Rubbish is malformed; a command that it does not know the caller's error; a wrong config ends it."""
    there = StdioEndpoint(node, "a", ("a", "b"), config=CONFIG)
    there.receive(b"\xc1", "b", 1.0)
    assert isinstance(there.next_event(), Malformed)
    with pytest.raises(LocalProtocolError, match="no command broadcast"):
        there.command(Broadcast(("b",), b"x", "notice", 1, 0, 1), 1.0)
    there.command(Send("b", b"x", "notice", 1, 0, 1), 1.0)
    with pytest.raises(SimulationError, match=r"node a, asked for init: error 12: config.rto_s"):
        StdioEndpoint(node, "a", ("a", "b"))
