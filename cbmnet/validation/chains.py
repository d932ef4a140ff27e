"""Chains of receipts, one a second: how deep each end saw them."""

from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.protocols.events import Receipted, Received
from cbmnet.streams import Streams
from cbmnet.validation.line import Pair, a_second, number_of


def deepest(depth: int, loss: float, chains: int, streams: Streams) -> tuple[bytearray, bytearray]:
    """The deepest transmission of each chain that its sender saw (even; 0: none), and its receiver (odd)."""
    by_sender, by_receiver = bytearray(chains), bytearray(chains)

    def at_sender(event: Receipted) -> None:
        by_sender[event.sequence - 1] = event.depth

    def at_receiver(event: Received | Receipted) -> None:
        if type(event) is Received:
            by_receiver[number_of(event.data)] = 1
        else:
            by_receiver[event.sequence - 1] = event.depth  # type: ignore[union-attr]

    pair = Pair("receipts", {"depth": depth}, at_sender, at_receiver)
    line = [("bernoulli", BernoulliConfig(loss)), ("constant", ConstantConfig(1.0))]
    pair.join(streams, line, line)
    pair.send_every(chains, a_second)
    return by_sender, by_receiver
