"""Endpoints that are asked: whoever keeps the six methods of an `Endpoint` can be driven.

The driver in virtual time empties the queues of an `EndpointBase` in place, for calls are what costs there.
An endpoint without them, or with a word of its own in the two methods, is asked through those.
"""

from math import inf
from typing import Any

from cbmnet.datagram import Datagram
from cbmnet.drivers import MAX_STEPS_AT_ONCE
from cbmnet.errors import SimulationError
from cbmnet.protocols.dialogue import Heard, Sent
from cbmnet.protocols.endpoint import (
    VARIANTS,
    Acknowledged,
    Endpoint,
    EndpointBase,
    GaveUp,
    Malformed,
    QueuedEndpoint,
)

_ASKED = ("datagrams_to_send", "next_event")
_METHODS = ("receive", "command", "handle_timer", "next_timer", *_ASKED)

PLAIN_EVENTS = frozenset({Acknowledged, GaveUp, Malformed, Heard, Sent})
"""The usual events that are made right or not at all; others are looked at (`check_event`)."""


def queued(endpoint: Endpoint, name: str, most: int = MAX_STEPS_AT_ONCE) -> QueuedEndpoint:
    """The endpoint itself if it has queues and nothing but queues, else one that asks it.

    `name` is the party's, for the error after more than `most` events in answer to one input. SimulationError
    for what is no endpoint.
    """
    kind = type(endpoint)
    if missing := [method for method in _METHODS if not callable(getattr(endpoint, method, None))]:
        raise SimulationError(
            f"{name} ({kind.__name__}): has no {', '.join(missing)}; an endpoint has {', '.join(_METHODS)}"
        )
    if all(getattr(kind, method, None) is getattr(EndpointBase, method) for method in _ASKED):
        if not (hasattr(endpoint, "outgoing") and hasattr(endpoint, "events")):
            raise SimulationError(
                f"{name} ({kind.__name__}): has no queues; its __init__ must call super().__init__()"
            )
        return endpoint  # type: ignore[return-value]  # as was just looked at
    return Queued(endpoint, name, most)


class Queued(EndpointBase):
    """An endpoint with queues, around one that is asked after every input."""

    def __init__(self, endpoint: Endpoint, name: str, most: int) -> None:
        super().__init__()
        self.endpoint, self._most = endpoint, most
        self._who = f"{name} ({variant_name(endpoint)})"

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Takes bytes that arrived from the peer."""
        self.endpoint.receive(data, peer, now)
        self._take(now)

    def command(self, command: Any, now: float) -> None:
        """Takes an order of the layer above."""
        self.endpoint.command(command, now)
        self._take(now)

    def handle_timer(self, now: float) -> None:
        """Does what is due by now."""
        self.endpoint.handle_timer(now)
        self._take(now)

    def next_timer(self) -> float | None:
        """Absolute time of the earliest timer, or None."""
        return self.endpoint.next_timer()

    def _take(self, now: float) -> None:
        outgoing, events = drained(self.endpoint, self._who, now, self._most)
        self.outgoing.extend(outgoing)
        self.events.extend(events)


def check_event(event: Any) -> None:
    """TypeError for what is no event: an event is an object of a class made for it, such as `Received`."""
    kind = type(event)
    if kind.__module__ == "builtins" or isinstance(event, type):
        said = f"the class {event.__name__} itself" if isinstance(event, type) else repr(event)
        raise TypeError(f"{said} stands among the events; an event is an object such as Received(peer, data)")
    data = getattr(event, "data", b"")
    if type(data) is not bytes:
        raise TypeError(f"{kind.__name__} with data of type {type(data).__name__}; they are bytes")


def due_of(due: Any) -> float | None:
    """What `next_timer` gave, or None for a time that never comes. ValueError for what is no time."""
    if due is None:
        return None
    if not (isinstance(due, int | float) and due > -inf):  # nan as well
        raise ValueError(f"next_timer() is {due!r}; it is a time in seconds, or None")
    return due if due < inf else None


def drained(
    endpoint: Endpoint, who: str, now: float, most: int = MAX_STEPS_AT_ONCE
) -> tuple[list[Datagram], list[Any]]:
    """Every datagram and event until the endpoint is quiet; SimulationError after more than `most` events.

    TypeError for what is no event.
    """
    outgoing, events = _datagrams(endpoint), list[Any]()
    while (event := endpoint.next_event()) is not None:
        check_event(event)
        events.append(event)
        outgoing += _datagrams(endpoint)
        if len(events) > most:
            raise SimulationError(f"{who}: more than {most} events at {now} s without an end")
    return outgoing, events


def _datagrams(endpoint: Endpoint) -> list[Datagram]:
    outgoing = endpoint.datagrams_to_send()
    if not isinstance(outgoing, list | tuple):
        raise TypeError(f"datagrams_to_send() is {outgoing!r}; it is a list of Datagrams")
    return [*outgoing]


def variant_name(endpoint: Any) -> str:
    """What the endpoint is called in messages: its variant's name in the registry, or its class."""
    while (inner := getattr(endpoint, "endpoint", None) or getattr(endpoint, "transport", None)) is not None:
        endpoint = inner
    names = (name for name in VARIANTS.names() if VARIANTS[name].make is type(endpoint))
    return next(names, type(endpoint).__name__)
