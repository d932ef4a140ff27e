"""The testing kit on every shipped variant: under random schedules each keeps what it claims."""

import os
from functools import partial
from typing import Any

import pytest

from cbmnet.protocols.endpoint import AT_MOST_ONCE, IN_ORDER, OR_GAVE_UP, VARIANTS
from cbmnet.testing import EndpointPair, ProtocolTest, Risk, protocol_test
from tests.contracts.test_families import config_of

SCHEDULES = 10_000 if os.environ.get("CBMNET_SOAK") else 60
INVARIANTS = {AT_MOST_ONCE: "at-most-once", IN_ORDER: "in-order"}


def test_of(name: str) -> ProtocolTest:
    """Five messages, ten seconds apart, over two ways; and what the variant claims, asked of it."""
    variant: Any = VARIANTS[name].make
    names = [INVARIANTS[claim] for claim in sorted(variant.claims) if claim in INVARIANTS]
    make = partial(
        EndpointPair, partial(variant, config_of(VARIANTS, name)), routes=2,
        invariants=("nothing-before-its-cause", *names),
    )  # fmt: skip

    def it_keeps_its_claims(pair: EndpointPair) -> None:
        if OR_GAVE_UP in variant.claims:
            said = [event for event in pair.events["a"] if "GaveUp" in type(event).__name__]
            left = {event.sequence for event in said}
            there = set(pair.accepted.get(("a", "b"), ()))
            assert {b"%d" % n for n in range(1, 6) if n not in left} <= there

    risk = Risk(0.2, 0.1, 0.2, mean_s=8.0)
    found: ProtocolTest = protocol_test(make, messages=5, every_s=10.0, risk=risk)(
        it_keeps_its_claims
    ).protocol_test  # type: ignore[attr-defined]
    return found


test_of.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", VARIANTS.names())
def test_a_shipped_variant_keeps_its_claims(name: str) -> None:
    """60 random schedules of losses, copies and delays (soak: 10,000) find nothing."""
    assert test_of(name).check(seeds=SCHEDULES) == SCHEDULES


def test_a_claim_that_is_not_kept_is_found() -> None:
    """Stop-and-wait hands up again what it repeats; had it claimed not to, some schedule would tell."""
    make = partial(
        EndpointPair, partial(VARIANTS["stop-and-wait"].make, config_of(VARIANTS, "stop-and-wait"))
    )
    test = protocol_test(partial(make, invariants=("at-most-once",)), messages=5)(lambda pair: None)
    with pytest.raises(AssertionError, match="at-most-once"):
        test.protocol_test.check(seeds=50)  # type: ignore[attr-defined]
