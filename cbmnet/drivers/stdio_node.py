"""Serves an endpoint on two binary streams, one JSON line a message: the node's side of STDIO.md.

The node owns no clock: each request carries the time, and each is answered before the next is read.
"""

import dataclasses
import traceback
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, BinaryIO, get_origin, get_type_hints

import msgspec

from cbmnet.drivers.queued import drained, due_of
from cbmnet.drivers.stdio_lines import (
    CRASH,
    LINES,
    MALFORMED_REQUEST,
    NOT_SUPPORTED,
    Answer,
    Command,
    Failure,
    Init,
    InitOk,
    Labelled,
    Lines,
    Outputs,
    Receive,
    Request,
    Timer,
)
from cbmnet.errors import LocalProtocolError, RegistryError
from cbmnet.protocols.endpoint import VARIANTS, Endpoint, named, party_of

Make = Callable[[Init], Endpoint]
REQUESTS = ("init", "receive", "command", "timer")


def config_of(variant: str, config: Mapping[str, Any]) -> Any:
    """The variant's config from values or their texts (a list as "b,c"); ValueError says what is wrong.

    RegistryError for a variant that is not there.
    """
    kind = VARIANTS[variant].config
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind) if field.init]
    if unknown := [key for key in config if key not in names]:
        there = ", ".join(names) or "none"
        raise ValueError(f"{variant} has no setting {', '.join(unknown)}; there are {there}")
    try:
        made: Any = msgspec.convert({k: _parts(v, hints[k]) for k, v in config.items()}, kind, strict=False)
    except msgspec.ValidationError as error:
        said, _, key = str(error).partition(" - at `$.")
        raise ValueError(f"{variant}: {key.rstrip('`') + ': ' if key else ''}{said}") from None
    for name in names:
        if isinstance(value := getattr(made, name), float) and not isfinite(value):
            raise ValueError(f"{variant}: {name} must be finite, not {value}")
    return made


def endpoint_of(variant: str, config: Mapping[str, Any]) -> Endpoint:
    """A registered variant's endpoint. ValueError or RegistryError for what there is not."""
    made: Endpoint = VARIANTS[variant].make(config_of(variant, config))
    return made


def serve(make: Make, requests: BinaryIO, answers: BinaryIO, lines: Lines = LINES) -> bool:
    """Answers requests until they end; `make` builds the endpoint that an `init` asks for.

    What is asked wrongly is answered by an error and changes nothing. False if the endpoint itself failed:
    then the last answer says so, and nobody may ask it further.
    """
    node = _Node(make, lines)
    for line in requests:
        answer = node.answer(line)
        answers.write(lines.write(node.name, node.driver, answer))
        answers.flush()
        if isinstance(answer, Failure) and answer.code == CRASH:
            return False
    return True


class _Node:
    """The endpoint of one party, and who asks."""

    def __init__(self, make: Make, lines: Lines) -> None:
        self.name = self.driver = ""
        self._make, self._lines = make, lines
        self._endpoint: Endpoint | None = None
        self._parties: tuple[str, ...] = ()

    def answer(self, line: bytes) -> Answer:
        """What comes of one line."""
        try:
            self.driver, dest, request = self._lines.read_request(line)
        except msgspec.DecodeError as error:
            return _refusal(line, error)
        try:
            if isinstance(request, Init):
                self.name = dest
                return self._begin(request)
            return self._do(request)
        except RefusedError as error:
            return Failure(in_reply_to=request.msg_id, code=error.code, text=str(error))
        except Exception as error:
            traceback.print_exc()
            return Failure(in_reply_to=request.msg_id, code=CRASH, text=f"{type(error).__name__}: {error}")

    def _begin(self, init: Init) -> Answer:
        try:
            endpoint = named(self._make(init), init.node_id)
        except RegistryError as error:
            raise RefusedError(NOT_SUPPORTED, str(error)) from None
        except ValueError as error:
            raise RefusedError(MALFORMED_REQUEST, str(error)) from None
        self._endpoint, self._parties = endpoint, init.node_ids
        return InitOk(in_reply_to=init.msg_id, **self._drained(endpoint, 0.0))

    def _do(self, request: Receive | Command | Timer) -> Answer:
        endpoint = self._endpoint
        if endpoint is None:
            raise RefusedError(MALFORMED_REQUEST, "the first request is init")
        if isinstance(request, Receive):
            if party_of(request.peer) not in self._parties:
                there = ", ".join(self._parties)
                raise RefusedError(MALFORMED_REQUEST, f"no party {request.peer!r}; there are {there}")
            endpoint.receive(request.data, request.peer, request.now)
        elif isinstance(request, Timer):
            endpoint.handle_timer(request.now)
        else:
            self._order(endpoint, request)
        return Outputs(in_reply_to=request.msg_id, **self._drained(endpoint, request.now))

    def _order(self, endpoint: Endpoint, request: Command) -> None:
        try:
            endpoint.command(self._lines.command(request.command), request.now)
        except (msgspec.ValidationError, LocalProtocolError) as error:
            raise RefusedError(MALFORMED_REQUEST, str(error)) from None

    def _drained(self, endpoint: Endpoint, now: float) -> dict[str, Any]:
        outgoing, told = drained(endpoint, type(endpoint).__name__, now)
        datagrams = [Labelled(*msgspec.structs.astuple(datagram)) for datagram in outgoing]
        events = [self._lines.tagged(event) for event in told]
        return {"datagrams": datagrams, "events": events, "next_timer": due_of(endpoint.next_timer())}


class RefusedError(Exception):
    """A request that is answered by an error; the endpoint is as it was."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Asked(msgspec.Struct):
    """As much of a body as an error needs."""

    msg_id: int = 0
    type: str = ""


class _Outer(msgspec.Struct):
    body: _Asked


_outer = msgspec.json.Decoder(_Outer).decode


def _refusal(line: bytes, error: Exception) -> Failure:
    """The error for a line that is no request: of a type that there is not, or wrong in itself."""
    try:
        asked = _outer(line).body
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        asked = _Asked()
    if asked.type and asked.type not in REQUESTS:
        text = f"no request {asked.type!r}; there are {', '.join(REQUESTS)}"
        return Failure(in_reply_to=asked.msg_id, code=NOT_SUPPORTED, text=text)
    return Failure(in_reply_to=asked.msg_id, code=MALFORMED_REQUEST, text=str(error))


def _parts(value: Any, hint: Any) -> Any:
    if isinstance(value, str) and get_origin(hint) is tuple:
        return [part for part in value.split(",") if part]
    return value


__all__ = ["Init", "Make", "RefusedError", "Request", "config_of", "endpoint_of", "serve"]
