"""The workload of the engines: stop-and-wait over a lossy line, with the counts that all must agree on.

A sender and a receiver, delay 1 each way, loss 10 % each way, retransmission after 2.5 (more than the round
trip of 2), until `messages` messages are acknowledged. Losses are drawn in the order of sending, so every
engine must count the same transmissions and end at the same time.
"""

import random
from collections.abc import Callable

DELAY, TIMEOUT, LOSS = 1.0, 2.5, 0.10


class Workload:
    """The losses and the receiver, the same objects for every engine, and what they count."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.transmissions = self.acknowledgements = self.delivered = 0
        self.end = 0.0
        self.seconds = 0.0  # what the engine itself timed, where compiling must not count
        self._data, self._ack = random.Random("data").random, random.Random("acknowledgement").random

    def data_survives(self) -> bool:
        """Counts one transmission and draws its fate."""
        self.transmissions += 1
        return self._data() >= LOSS

    def ack_survives(self, number: int) -> bool:
        """The receiver has message `number`: counts it if it is new, acknowledges it, draws that fate."""
        if number == self.delivered:
            self.delivered += 1
        self.acknowledgements += 1
        return self._ack() >= LOSS

    def counts(self) -> tuple[float, ...]:
        """What every engine must agree on."""
        return self.transmissions, self.acknowledgements, self.delivered, round(self.end, 6)


def plain_loop(work: Workload) -> None:
    """No engine: what the counts must be."""
    for number in range(work.messages):
        while not (work.data_survives() and work.ack_survives(number)):
            work.end += TIMEOUT
        work.end += 2 * DELAY


class CallbackSender:
    """The sender of the engines that call back; `after(delay, function, argument)` is the engine."""

    def __init__(self, work: Workload, after: Callable[..., None], now: Callable[[], float]) -> None:
        self.work, self.after, self.now = work, after, now
        self.number = self.epoch = 0

    def send(self) -> None:
        self.epoch += 1
        if self.work.data_survives():
            self.after(DELAY, self.arrive, self.number)
        self.after(TIMEOUT, self.expire, self.epoch)

    def arrive(self, number: int) -> None:
        if self.work.ack_survives(number):
            self.after(DELAY, self.acknowledge, number)

    def acknowledge(self, number: int) -> None:
        if number == self.number:
            self.number += 1
            self.epoch += 1
            self.work.end = self.now()
            if self.number < self.work.messages:
                self.send()

    def expire(self, epoch: int) -> None:
        if epoch == self.epoch and self.number < self.work.messages:
            self.send()
