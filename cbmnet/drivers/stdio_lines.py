"""The lines that a node and its driver exchange: one JSON object each, as Maelstrom's nodes speak (STDIO.md).

Commands, events and datagrams are the project's own structs; on a line each is an object with its `type`,
and bytes are base64. A variant with further commands or events names them to `Lines`.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias, Union

import msgspec
from msgspec import Meta, Struct, defstruct, field

from cbmnet.datagram import Datagram
from cbmnet.protocols import events
from cbmnet.protocols.events import Broadcast
from cbmnet.protocols.frame import Send

NOT_SUPPORTED, MALFORMED_REQUEST, CRASH = 10, 12, 13
"""Maelstrom's codes of errors: what is not understood, what is understood and wrong, what broke the node."""

COMMANDS: tuple[type, ...] = (Send, Broadcast)
EVENTS: tuple[type, ...] = tuple(
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Struct) and kind not in (Struct, Broadcast)
)


_U16 = Annotated[int, Meta(ge=0, lt=1 << 16)]
_U32 = Annotated[int, Meta(ge=0, lt=1 << 32)]
_Whole = Annotated[int, Meta(ge=0)]


class Labelled(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A datagram on a line, with all that draws and faults know it by."""

    data: bytes
    peer: str
    kind: str
    stream: _U16
    epoch: _U32
    sequence: _Whole
    attempt: _U16 = 1
    copy: _U16 = 0

    def plain(self) -> Datagram:
        """The datagram itself."""
        return Datagram(*msgspec.structs.astuple(self))


class _Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every body has."""


class Init(_Body, frozen=True, kw_only=True, tag="init"):
    """Request: be this party, anew; `variant` and `config` say what to run, if it is open."""

    msg_id: _Whole
    node_id: str
    node_ids: tuple[str, ...]
    variant: str = ""
    config: dict[str, Any] = field(default_factory=dict)


class Receive(_Body, frozen=True, kw_only=True, tag="receive"):
    """Request: these bytes came from the peer."""

    msg_id: _Whole
    now: float
    peer: str
    data: bytes


class Command(_Body, frozen=True, kw_only=True, tag="command"):
    """Request: an order of the layer above."""

    msg_id: _Whole
    now: float
    command: Any


class Timer(_Body, frozen=True, kw_only=True, tag="timer"):
    """Request: do what is due by now."""

    msg_id: _Whole
    now: float


Request: TypeAlias = Init | Receive | Command | Timer


class _Answer(_Body, frozen=True, kw_only=True, omit_defaults=True):
    """What every answer has; `msg_id` is allowed, and means nothing here."""

    in_reply_to: int
    msg_id: int | None = None


class InitOk(_Answer, frozen=True, kw_only=True, tag="init_ok"):
    """Answer to `init`; the rest as in `outputs`, for a node that has something to say from the start."""

    datagrams: list[Labelled] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    next_timer: float | None = None


class Outputs(_Answer, frozen=True, kw_only=True, tag="outputs"):
    """Answer to the other requests: what is to be sent, what happened, and the earliest timer."""

    datagrams: list[Labelled]
    events: list[Any]
    next_timer: float | None


class Failure(_Answer, frozen=True, kw_only=True, tag="error"):
    """Answer to what could not be done."""

    code: int
    text: str


Answer: TypeAlias = InitOk | Outputs | Failure


class _Line(Struct, frozen=True):
    """A line whose body is not looked at yet; further fields, such as Maelstrom's `id`, are ignored."""

    src: str
    dest: str
    body: msgspec.Raw


_line = msgspec.json.Decoder(_Line).decode
_request: Any = msgspec.json.Decoder(Request).decode
_answer: Any = msgspec.json.Decoder(Answer).decode


def _opened(line: bytes, decode: Any) -> tuple[_Line, Any]:
    """A line and its body; also what is no UTF-8, or nests without an end, is a `msgspec.DecodeError`."""
    try:
        outer = _line(line)
        return outer, decode(outer.body)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


class Lines:
    """Writes and reads the lines of one node; which commands and events there are is said here."""

    def __init__(self, commands: Iterable[type] = COMMANDS, said: Iterable[type] = EVENTS) -> None:
        self._tagged = {kind: _tagged(kind) for kind in (*commands, *said)}
        self._plain = {tagged: kind for kind, tagged in self._tagged.items()}
        self._command, self._event = (_union(self._tagged[kind] for kind in k) for k in (commands, said))

    def write(self, source: str, target: str, body: Request | Answer) -> bytes:
        """One line, its end included."""
        return msgspec.json.encode({"src": source, "dest": target, "body": body}) + b"\n"

    def read_request(self, line: bytes) -> tuple[str, str, Request]:
        """Source, target and request of a line; `msgspec.ValidationError` or `DecodeError` if it is none."""
        outer, request = _opened(line, _request)
        return outer.src, outer.dest, request

    def read_answer(self, line: bytes) -> Answer:
        """The answer on a line, with its events; `msgspec.ValidationError` or `DecodeError` if it is none."""
        answer: Answer = _opened(line, _answer)[1]
        return answer

    def tagged(self, said: Any) -> Any:
        """The command or event with its type, as it goes on a line. TypeError for an unknown one."""
        try:
            kind = self._tagged[type(said)]
        except KeyError:
            raise TypeError(f"{type(said).__name__} has no form on a line") from None
        return kind(*msgspec.structs.astuple(said))

    def command(self, said: Any) -> Any:
        """The command that an object of a line stands for; `msgspec.ValidationError` if it is none."""
        return self._untagged(msgspec.convert(said, self._command))

    def event(self, said: Any) -> Any:
        """The event that an object of a line stands for; `msgspec.ValidationError` if it is none."""
        return self._untagged(msgspec.convert(said, self._event))

    def _untagged(self, tagged: Any) -> Any:
        return self._plain[type(tagged)](*msgspec.structs.astuple(tagged))


def tag_of(kind: type) -> str:
    """The `type` of a command or event on a line: its name in small letters, "gave_up"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _tagged(kind: type) -> Any:
    return defstruct(
        kind.__name__, [], bases=(kind,), frozen=True, tag=tag_of(kind), tag_field="type",
        forbid_unknown_fields=True,
    )  # fmt: skip


def _union(kinds: Iterable[type]) -> Any:
    return Union[tuple(kinds)]  # noqa: UP007 (the members are known at run time only)


LINES = Lines()
