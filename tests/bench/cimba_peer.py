"""The stop-and-wait workload in cimba, whose models are compiled: a process a direction, one for the sender.

Its processes take no functions of ours, so the losses are drawn ahead, from the generators of the workload,
and the counts are read back from the model. The first run compiles and is not timed.
"""

from time import perf_counter
from typing import Any

import cimba
import numpy
from cimba import inputs
from workload import DELAY, LOSS, TIMEOUT, Workload


class StopAndWait(cimba.Model):
    """Two stores are the lines; a condition tells the sender that its acknowledgement has come."""

    messages: cimba.Param[int] = 1
    data: cimba.Input[float] = inputs.trace([0.5, 0.5])
    acks: cimba.Input[float] = inputs.trace([0.5, 0.5])
    forth: cimba.Store[int]
    back: cimba.Store[int]
    woken: cimba.Condition
    heard: bool = False
    number: int = 0
    next_new: int = 0
    sent: int = 0
    answered: int = 0
    transmissions: cimba.Output[float]
    acknowledgements: cimba.Output[float]
    delivered: cimba.Output[float]
    ended: cimba.Output[float]

    @cimba.predicate
    def is_heard(self) -> Any:
        return self.heard

    @cimba.process
    def receiver(self) -> Any:
        while True:
            number = self.forth.get()
            cimba.hold(DELAY)
            if number == self.next_new:
                self.next_new += 1
            self.answered += 1
            if self.acks.next() >= LOSS:
                self.back.put(number)

    @cimba.process
    def returning(self) -> Any:
        while True:
            number = self.back.get()
            cimba.hold(DELAY)
            if number == self.number:
                self.heard = True
                self.woken.signal()

    @cimba.process
    def sender(self) -> Any:
        while self.number < self.messages:
            self.sent += 1
            if self.data.next() >= LOSS:
                self.forth.put(self.number)
            self.heard = False
            if self.woken.wait_until(self.is_heard, timeout=TIMEOUT):
                self.number += 1
        self.ended = cimba.now()
        cimba.end_trial()

    @cimba.on_end
    def count(self) -> Any:
        self.transmissions = self.sent
        self.acknowledgements = self.answered
        self.delivered = self.next_new


def compiled(work: Workload) -> None:
    """Runs the model twice, times the second run and writes its counts into the workload."""
    draws = 2 * work.messages + 100
    model = StopAndWait()
    model.messages = work.messages
    model.data = inputs.trace([work._data() for _ in range(draws)])
    model.acks = inputs.trace([work._ack() for _ in range(draws)])

    def once() -> Any:
        window = cimba.Window(duration=1e9)
        return cimba.Experiment(model, replications=1, window=window, seed=1).run()[model]

    once()
    before = perf_counter()
    results = once()
    work.seconds = perf_counter() - before
    work.transmissions, work.acknowledgements, work.delivered = (
        int(numpy.ravel(getattr(results, name))[0])
        for name in ("transmissions", "acknowledgements", "delivered")
    )
    work.end = float(numpy.ravel(results.ended)[0])
