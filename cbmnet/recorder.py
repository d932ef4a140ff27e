"""Tells observers what happens in a run, and keeps which record is the cause of which."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

_new = tuple.__new__  # records by their plainest constructor; the generated one is for those with defaults


class Observer(Protocol):
    """Something that watches a run: it names the records it wants and is fed each of them.

    Where speed matters it may have `feeds`: by kind of record, what takes those instead of `feed`.
    """

    wants: tuple[type, ...]

    def feed(self, record: Any) -> None:
        """Takes one record; called in the order of events."""


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
            feeds = getattr(observer, "feeds", {})
            for kind in observer.wants:
                self._sinks.setdefault(kind, []).append(feeds.get(kind, observer.feed))

    def is_wanted(self, kind: type) -> bool:
        """Whether anyone is fed records of this kind."""
        return kind in self._sinks

    def tell(self, kind: Callable[..., Any], at_s: float, *fields: Any, cause: int | None = None) -> int:
        """Tells a record of this kind; returns its number."""
        self.count += 1
        sinks = self._sinks.get(kind)  # type: ignore[call-overload]
        if sinks:
            numbers = at_s, self.count, self.cause if cause is None else cause
            if len(fields) + 3 == len(kind._fields):  # type: ignore[attr-defined]
                record = _new(kind, (*numbers, *fields))  # type: ignore[arg-type]
            else:
                record = kind(*numbers, *fields)
            for feed in sinks:
                feed(record)
        return self.count
