"""Tells observers what happens in a run, and keeps which record is the cause of which."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol


class Observer(Protocol):
    """Something that watches a run: it names the records it wants and is fed each of them."""

    wants: tuple[type, ...]

    def feed(self, record: Any) -> None:
        """Takes one record; called in the order of events."""


class Journal:
    """An observer that keeps every record of the kinds it wants, in the order of events."""

    def __init__(self, wants: tuple[type, ...]) -> None:
        self.wants, self.records = wants, list[Any]()

    def feed(self, record: Any) -> None:
        """Keeps one record."""
        self.records.append(record)


class Recorder:
    """Tells observers what happens and numbers it; a record that nobody wants is never made.

    Numbers are an order within one run and its observers, not names: where speed matters, what nobody
    wants is not even told, so another set of observers may number the same run otherwise.
    `cause` is the number of the record that is being acted on: what is told meanwhile names it as its
    cause unless it names another.
    """

    __slots__ = ("_sinks", "cause", "count")

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self.cause = 0
        self.count = 0
        self._sinks: dict[type, list[Callable[[Any], None]]] = {}
        for observer in observers:
            for kind in observer.wants:
                self._sinks.setdefault(kind, []).append(observer.feed)

    def is_wanted(self, kind: type) -> bool:
        """Whether anyone is fed records of this kind."""
        return kind in self._sinks

    def feeds_of(self, kind: type) -> tuple[Callable[[Any], None], ...]:
        """What takes records of this kind: for whoever makes and numbers many of them by itself."""
        return tuple(self._sinks.get(kind, ()))

    def tell(self, kind: Callable[..., Any], at_s: float, *fields: Any, cause: int | None = None) -> int:
        """Tells a record of this kind; returns its number."""
        self.count = number = self.count + 1
        sinks = self._sinks.get(kind)  # type: ignore[call-overload]
        if sinks:
            record = kind(at_s, number, self.cause if cause is None else cause, *fields)
            for feed in sinks:
                feed(record)
        return number
