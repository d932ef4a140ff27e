"""The closed form of quiet time."""

from hypothesis import given
from hypothesis import strategies as st

from cbmnet.states.propagator import Propagator

# None, or at least once in 30,000 years: far below it weights are subnormal numbers, of which a double holds
# few digits, and a long silence makes the difference grow by up to e^1000.
RATES = st.just(0.0) | st.floats(1e-12, 1e-3)
SHARES = st.just(0.0) | st.floats(1e-12, 1.0)
SPELLS_S = st.just(0.0) | st.floats(1e-6, 1e6)


@given(RATES, RATES, RATES, RATES, SPELLS_S, SPELLS_S, SHARES)
def test_two_spells_are_one(
    on: float, end: float, r0: float, r1: float, a: float, b: float, p: float
) -> None:
    """Silence for a and then for b is silence for a + b, for any rates."""
    quiet = Propagator(on, end, (r0, r1))
    in_two = quiet.after(quiet.after((1.0 - p, p), a), b)
    at_once = quiet.after((1.0 - p, p), a + b)
    assert abs(in_two[1] - at_once[1]) < 1e-9, (in_two, at_once)


def test_silence_calms_when_an_attacker_would_be_louder() -> None:
    """With r(1) > r(0) the belief falls in silence, and far below its prior in a long one."""
    quiet = Propagator(1e-8, 1e-6, (1e-6, 5e-6))
    beliefs = [quiet.after((0.99, 0.01), t)[1] for t in (0.0, 1e5, 1e6, 1e7)]
    assert beliefs == sorted(beliefs, reverse=True)
    assert 0.0 < beliefs[-1] < 0.01


def test_a_very_long_silence_does_not_underflow() -> None:
    """A thousand years of quiet leaves a belief strictly between 0 and 1."""
    belief = Propagator(1e-9, 1e-6, (1e-4, 1e-3)).after((0.99, 0.01), 3.2e10)[1]
    assert 0.0 < belief < 1.0
