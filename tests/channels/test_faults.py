"""Which fault of a schedule decides."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cbmnet.channels.faults import Datagrams, Delay, Faults
from cbmnet.channels.link import build_route
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram, Label
from cbmnet.streams import Streams

_small = st.integers(0, 2)
_kinds = st.sampled_from(["notice", "link-ack"])
_wanted = st.tuples(st.none() | _kinds, *[st.none() | _small] * 5)
_labels = st.tuples(_kinds, *[_small] * 5)
ROUTE = build_route("a", "b", [[]], Streams(0, 0))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(_wanted, max_size=12), st.lists(_labels, min_size=1, max_size=12))
def test_the_first_fault_that_fits_a_label_decides(
    wanted: list[tuple[Any, ...]], labels: list[tuple[str, int, int, int, int, int]]
) -> None:
    """As if the schedule were gone through one by one: what is not named fits any."""
    faults = Faults([Delay(Datagrams("a>b", *names), 1.0 + n) for n, names in enumerate(wanted)])
    for label in labels:
        fits = [
            n
            for n, names in enumerate(wanted)
            if all(name in (None, is_) for name, is_ in zip(names, label, strict=True))
        ]
        flight = Flight(Datagram(b"", "b", *Label(*label)), 0.0, ROUTE)
        faults.apply(flight, 0.0)
        assert flight.at_s == (1.0 + fits[0] if fits else 0.0)
