"""The desk: what arrived and is not passed on."""

from math import sqrt

from cbmnet.channels.desk import NOT_FORWARDED, REFUSED, Desk, DeskConfig
from cbmnet.datagram import Label
from cbmnet.streams import Streams


def desk(config: DeskConfig) -> Desk:
    streams = Streams(1, 0)
    return Desk(config, lambda sender: streams.link(f"desk/a<{sender}"))


def label(number: int, attempt: int = 1) -> Label:
    return Label("notice", 1, 0, number, attempt)


def test_senders_do_not_share_a_fate() -> None:
    """At a desk that passes half on, the k-th message of two senders agree half of the time, not always."""
    clerk = desk(DeskConfig(forward_prob=0.5))
    fates = [(clerk.judge("b", label(k), 0), clerk.judge("c", label(k), 0)) for k in range(4000)]
    same = sum(b == c for b, c in fates)
    assert abs(same / 4000 - 0.5) < 4 * 0.5 / sqrt(4000)


def test_refusal_grows_with_the_rung_up_to_its_cap() -> None:
    """.02 + .08 a rung, at most .9; what is not refused may still not be forwarded."""
    clerk = desk(DeskConfig(forward_prob=0.0, refusal_prob=0.02, refusal_per_rung_prob=0.08))
    for rung, exact in ((0, 0.02), (5, 0.42), (10, 0.82), (20, 0.9)):
        said = [clerk.judge("b", label(k), rung) for k in range(4000)]
        assert abs(said.count(REFUSED) / 4000 - exact) < 4 * sqrt(exact * (1 - exact) / 4000)
        assert said.count(REFUSED) + said.count(NOT_FORWARDED) == 4000
