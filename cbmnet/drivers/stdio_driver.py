"""An endpoint that lives in another process, asked by JSON lines (STDIO.md); any driver drives it.

Each call is one line and its answer, in real time that no party's clock sees. So a node in another language
joins a run in virtual time, and gives the same run again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from cbmnet.drivers.stdio_lines import (
    LINES,
    MALFORMED_REQUEST,
    NOT_SUPPORTED,
    Answer,
    Command,
    Failure,
    Init,
    InitOk,
    Lines,
    Outputs,
    Receive,
    Request,
    Timer,
)
from cbmnet.drivers.stdio_process import NodeProcess, NodeProcessError
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import EndpointBase

DRIVER = "driver"
"""Who asks, on a line."""
MAX_IDLE_TIMERS = 1000
"""So many timers on end may come due without bringing anything or moving on; more is a node that spins."""


class StdioEndpoint(EndpointBase):
    """One party's endpoint in a node's process; it may be one that another endpoint has used before.

    `variant` and `config` go to a node that leaves them open. SimulationError, with the party's name, what
    was asked and the node's last words, whenever the node does not answer as STDIO.md says; the process is
    ended then. It is not ended otherwise: that is up to whoever started it.
    """

    def __init__(
        self,
        node: NodeProcess,
        name: str,
        parties: Sequence[str],
        *,
        variant: str = "",
        config: Mapping[str, Any] | None = None,
        lines: Lines = LINES,
    ) -> None:
        super().__init__()
        self.name, self._node, self._lines = name, node, lines
        self._asked, self._idle, self._timer_s = 0, 0, -1.0
        self._due: float | None = None
        node.user = self
        names = tuple(parties)
        init = Init(msg_id=0, node_id=name, node_ids=names, variant=variant, config=dict(config or {}))
        self._ask(init, "init", InitOk)

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Bytes from the peer."""
        what = f"receive from {peer} at {now} s"
        self._ask(Receive(msg_id=self._number(), now=now, peer=peer, data=data), what)

    def command(self, command: Any, now: float) -> None:
        """An order of the layer above. LocalProtocolError for one that the node refuses."""
        try:
            said = self._lines.tagged(command)
        except TypeError as error:
            raise LocalProtocolError(f"node {self.name}: {error}") from None
        self._ask(Command(msg_id=self._number(), now=now, command=said), f"command at {now} s")

    def handle_timer(self, now: float) -> None:
        """What is due by now."""
        anything = self._ask(Timer(msg_id=self._number(), now=now), f"timer at {now} s")
        stays = self._due is not None and self._due <= now
        self._idle = self._idle + 1 if stays and (not anything or now <= self._timer_s) else 0
        self._timer_s = now
        if self._idle > MAX_IDLE_TIMERS:
            self._fail(
                f"timer at {now} s", f"{self._idle} times its next_timer was not ahead ({self._due} s)"
            )

    def next_timer(self) -> float | None:
        """The earliest timer, as the last answer said."""
        return self._due

    def _number(self) -> int:
        self._asked += 1
        return self._asked

    def _ask(self, request: Request, what: str, wanted: type[InitOk] | type[Outputs] = Outputs) -> bool:
        """Takes the answer in; whether it brought datagrams or events."""
        if self._node.user is not self:
            raise LocalProtocolError(f"node {self.name}: another endpoint has its process now")
        answer = self._answer(request, what)
        if answer.in_reply_to != request.msg_id:
            self._fail(what, f"answered {answer.in_reply_to}, asked was {request.msg_id}")
        if isinstance(answer, Failure):
            self._refused(request, answer, what)
        if type(answer) is not wanted:
            self._fail(what, f"answered by {type(answer).__name__}, not {wanted.__name__}")
        try:
            events = [self._lines.event(event) for event in answer.events]
        except msgspec.ValidationError as error:
            self._fail(what, f"told an event that is none: {error}")
        self.outgoing.extend(labelled.plain() for labelled in answer.datagrams)
        self.events.extend(events)
        self._due = answer.next_timer
        return bool(events or answer.datagrams)

    def _answer(self, request: Request, what: str) -> Answer:
        try:
            line = self._node.ask(self._lines.write(DRIVER, self.name, request))
        except NodeProcessError as error:
            raise SimulationError(f"node {self.name}, asked for {what}: {error}") from None
        try:
            return self._lines.read_answer(line)
        except msgspec.DecodeError as error:
            self._fail(what, f"said what is no answer: {error}: {line[:80]!r}")

    def _refused(self, request: Request, answer: Failure, what: str) -> NoReturn:
        if isinstance(request, Command) and answer.code in (NOT_SUPPORTED, MALFORMED_REQUEST):
            raise LocalProtocolError(answer.text)
        self._fail(what, f"error {answer.code}: {answer.text}")

    def _fail(self, what: str, why: str) -> NoReturn:
        raise SimulationError(f"node {self.name}, asked for {what}: {self._node.failed(why)}")
