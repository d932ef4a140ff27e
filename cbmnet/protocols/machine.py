"""What variants with a state table have in common: the step along it, frames and timers.

A table is `NEXT[state][event] -> state`, in the manner of h11: a missing key *is* the protocol error, of our
caller or of the peer's bytes. States and events are plain strings, which a table looks up fastest.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from heapq import heappop, heappush
from typing import Generic, TypeVar

from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.protocols.endpoint import EndpointBase
from cbmnet.protocols.events import Malformed
from cbmnet.protocols.frame import KINDS, Frame, decode_frame

Table = Mapping[str, Mapping[str, str]]
K = TypeVar("K", bound=Hashable)


def step(table: Table, state: str, event: str, error: type[LocalProtocolError | RemoteProtocolError]) -> str:
    """The state after the event; `error` where the table has none."""
    try:
        return table[state][event]
    except KeyError:
        raise error(f"{event} while {state}") from None


class Timers(Generic[K]):
    """One deadline for each key, moved when set again. Equal ones are due in the order of their setting."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._set: dict[K, int] = {}
        self.settings = 0

    def __contains__(self, key: K) -> bool:
        return key in self._set

    def set(self, key: K, at_s: float) -> None:
        """Has the key due at this time, and at no other."""
        self.settings = count = self.settings + 1
        self._set[key] = count
        heappush(self._heap, (at_s, count, key))

    def clear(self, key: K) -> None:
        """The key is not due any more, if it was."""
        self._set.pop(key, None)

    def next(self) -> float | None:
        """The earliest deadline; what was moved or cleared is dropped on the way."""
        heap = self._heap
        while heap:
            at_s, count, key = heap[0]
            if self._set.get(key) == count:
                return at_s
            heappop(heap)
        return None

    def take_due(self, now: float, settings: int) -> K | None:
        """A key due by now, which then is due no more; none that was set after so many settings."""
        due_s = self.next()
        if due_s is None or due_s > now or self._heap[0][1] > settings:
            return None
        key = heappop(self._heap)[2]
        del self._set[key]
        return key


class Machine(EndpointBase, ABC, Generic[K]):
    """An endpoint with timers by key, which refuses frames of types that its variant does not speak."""

    speaks: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        self.timers: Timers[K] = Timers()

    def handle_timer(self, now: float) -> None:
        """Does what is due by now; what is set anew meanwhile waits for the next call."""
        settings = self.timers.settings
        while (key := self.timers.take_due(now, settings)) is not None:
            self.expire(key, now)

    def next_timer(self) -> float | None:
        """The earliest timer still awaited."""
        return self.timers.next()

    def expire(self, key: K, now: float) -> None:
        """Does what this key was set for; a variant that sets no timers has nothing to say here."""
        raise NotImplementedError

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Takes a frame; what is none of this variant's, or comes out of turn, is Malformed."""
        try:
            frame = decode_frame(data)
            if frame[1] not in self.speaks:
                raise RemoteProtocolError(f"{KINDS[frame[1]]} is no frame of this variant")
            self.take(frame, peer, now)
        except RemoteProtocolError as error:
            self.events.append(Malformed(peer, str(error)))

    @abstractmethod
    def take(self, frame: Frame, peer: str, now: float) -> None:
        """Takes a frame of a type that the variant speaks; RemoteProtocolError if it is out of turn."""
