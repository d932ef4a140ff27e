"""What a host tells of the message path: datagrams sent, copied, damaged, lost and delivered.

Records that nobody wants are not even told on that path; the flags say which are.
"""

from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram
from cbmnet.recorder import Recorder
from cbmnet.records import Corrupt, Deliver, Drop, Duplicate, Send, Wire


class Telling:
    """The records of one host; each with the bytes beside it if somebody wants those (`Wire`)."""

    def __init__(self, name: str, recorder: Recorder) -> None:
        self._name, self._recorder = name, recorder
        self._to_send, self._to_deliver = recorder.feeds_of(Send), recorder.feeds_of(Deliver)
        self._wire = wire = recorder.is_wanted(Wire)
        self.sends = wire or recorder.is_wanted(Send)
        self.drops = wire or recorder.is_wanted(Drop)
        self.delivers = wire or recorder.is_wanted(Deliver)
        self.fates = recorder.is_wanted(Duplicate) or recorder.is_wanted(Corrupt)
        # One observer, as a trace is alone, is told with the least work: much of what it costs is here.
        alone = not wire and len(self._to_send) == len(self._to_deliver) == 1
        self.sent = self._sent_to_one if alone else self._sent
        self.delivered = self._delivered_to_one if alone else self._delivered

    def _sent_to_one(self, datagram: Datagram, flights: list[Flight], there: "Telling", now: float) -> None:
        label, recorder = datagram.label, self._recorder
        recorder.count = told = recorder.count + 1
        self._to_send[0](Send(now, told, recorder.cause, self._name, there._name, label[0], label))
        first = flights[0]
        first.cause, first.told = told, label
        if len(flights) > 1 or first.corrupted:
            for flight in flights:
                flight.cause = told
            if self.fates:
                there.fates_of(flights, told, now)

    def _sent(self, datagram: Datagram, flights: list[Flight], there: "Telling", now: float) -> None:
        """A datagram leaves the host, and what it becomes on its way there; its flights know their cause."""
        told = 0
        if self.sends:
            label, recorder = datagram.label, self._recorder
            recorder.count = told = recorder.count + 1
            record = Send(now, told, recorder.cause, self._name, there._name, label[0], label)
            for feed in self._to_send:
                feed(record)
            if self._wire:
                recorder.tell(Wire, now, self._name, there._name, label, datagram.data, "sent", cause=told)
            for flight in flights:
                flight.cause = told
        if self.fates and (len(flights) > 1 or flights[0].corrupted):
            there.fates_of(flights, told, now)

    def fates_of(self, flights: list[Flight], cause: int, now: float, *, corrupted: bool = False) -> None:
        """Copies and damage on the way to the host; `corrupted`: the flight was so before."""
        for number, flight in enumerate(flights):
            told = (now, flight.route.sender, self._name, flight.datagram.kind, flight.label)
            if number:
                self._recorder.tell(Duplicate, *told, cause=cause)
            if flight.corrupted and not corrupted:
                self._recorder.tell(Corrupt, *told, cause=cause)

    def _delivered_to_one(self, flight: Flight, now: float) -> None:
        recorder, label = self._recorder, flight.told or flight.datagram.label
        recorder.count = recorder.cause = told = recorder.count + 1
        source, corrupted, forged = flight.route.sender, flight.corrupted, flight.forged
        self._to_deliver[0](
            Deliver(now, told, flight.cause, source, self._name, label[0], label, corrupted, forged)
        )

    def _delivered(self, flight: Flight, now: float) -> None:
        """Bytes reach the host: from now on, the cause of what follows."""
        recorder, label, source = self._recorder, flight.datagram.label, flight.route.sender
        recorder.count = told = recorder.count + 1
        record = Deliver(
            now, told, flight.cause, source, self._name, label.kind, label, flight.corrupted, flight.forged
        )
        recorder.cause = told
        for feed in self._to_deliver:
            feed(record)
        if self._wire:
            way = "forged" if flight.forged else "corrupted" if flight.corrupted else "arrived"
            recorder.tell(Wire, now, source, self._name, label, flight.datagram.data, way)

    def lost(self, flight: Flight, now: float, reason: str) -> int:
        """A flight to the host is lost: the number of its record. SimulationError for a wrong reason."""
        if type(reason) is not str or not reason:
            raise flight.route.nonsense(flight.datagram, now, ValueError(f"the reason {reason!r} for a loss"))
        label, source, recorder = flight.label, flight.route.sender, self._recorder
        told = recorder.tell(
            Drop, now, source, self._name, label.kind, label, flight.hop, reason, cause=flight.cause
        )
        if self._wire:
            recorder.tell(Wire, now, source, self._name, label, flight.datagram.data, "lost", cause=told)
        return told
