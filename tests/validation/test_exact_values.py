"""The exact side of the channel and protocol cases: known figures, and agreement in their limits."""

from itertools import product
from math import exp
from typing import Any

import pytest

from cbmnet.validation.k_of_n import binomial, bursty

from .laboratory import exact

close = pytest.approx


def test_gilbert_elliott_figures() -> None:
    """p = .02, r = .2, e = (.01, .6): loss .063636, mean run 1.71308; with e = (0, 1) the run is 1/r."""
    loss, begins = exact("gilbert-elliott", p=0.02, r=0.2, e_good=0.01, e_bad=0.6)
    assert (round(loss, 6), round(loss / begins, 5)) == (0.063636, 1.71308)
    loss, begins = exact("gilbert-elliott", p=0.03, r=0.15, e_good=0.0, e_bad=1.0)
    assert loss / begins == close(1 / 0.15)


def test_four_states_contain_two() -> None:
    """Without states 2 and 4 it is Gilbert's chain; without 2 and 3 losses come alone, x/(1 + x) of all."""
    loss, begins = exact("four-state", p13=0.03, p31=0.15, p32=0.0, p23=1.0, p14=0.0)
    assert (loss, loss / begins) == (close(0.03 / 0.18), close(1 / 0.15))
    loss, begins = exact("four-state", p13=0.0, p31=1.0, p32=0.0, p23=0.0, p14=0.25)
    assert (loss, loss / begins) == (close(0.2), close(1.0))


def test_four_states_in_balance() -> None:
    """The flows between states give the same: pi in proportion 1 : p13 p32/(p31 p23) : p13/p31 : p14."""
    p13, p31, p32, p23, p14 = 0.05, 0.3, 0.3, 0.6, 0.02
    weights = (1.0, p13 * p32 / (p31 * p23), p13 / p31, p14)
    burst, alone = weights[2] / sum(weights), weights[3] / sum(weights)
    loss, begins = exact("four-state", p13=p13, p31=p31, p32=p32, p23=p23, p14=p14)
    assert loss == close(burst + alone)
    assert loss / begins == close((burst + alone) / (burst * (p31 + p32) + alone))


def test_stop_and_wait_figures() -> None:
    """d = a = .5, R = 5: 3.0508, .7627, .96875, .20605; without a limit a/(1 - a) duplicates."""
    values = exact("stop-and-wait", data_loss=0.5, ack_loss=0.5, max_sends=5)
    assert [round(x, 5) for x in values[:4]] == [3.05078, 0.7627, 0.96875, 0.20605]
    assert exact("stop-and-wait", data_loss=0.2, ack_loss=0.4, max_sends=64)[4] == close(0.4 / 0.6)


def test_stop_and_wait_by_enumeration() -> None:
    """All fates of three sends, summed, give the five values."""
    d, a, sums = 0.3, 0.2, [0.0] * 5
    for fates in product((0, 1, 2), repeat=3):  # data lost, acknowledgement lost, both through
        chance, sends, copies, known = 1.0, 0, 0, False
        for fate in fates:
            chance *= (d, (1 - d) * a, (1 - d) * (1 - a))[fate]
            if not known:
                sends, copies, known = sends + 1, copies + (fate > 0), fate == 2
        values = (sends, known, copies > 0, copies > 0 and not known, max(0, copies - 1))
        sums = [total + chance * value for total, value in zip(sums, values, strict=True)]
    assert exact("stop-and-wait", data_loss=d, ack_loss=a, max_sends=3) == close(sums)


def arq(scheme: str, a: float, loss: float, window: int = 0) -> Any:
    return exact("arq-efficiency", scheme=scheme, a=a, loss=loss, window=window)


def test_arq_formulas() -> None:
    """(1 - p)/(1 + 2a), (1 - p)/(1 + 2ap), 1 - p; a window of one is stop and wait."""
    assert arq("stop-and-wait", 2.0, 0.1) == close(0.9 / 5)
    assert arq("go-back-n", 2.0, 0.1) == arq("go-back-n", 2.0, 0.1, 5) == close(0.9 / 1.4)
    assert arq("selective-repeat", 2.0, 0.1) == close(0.9)
    assert arq("go-back-n", 3.3, 0.2, 1) == close(arq("stop-and-wait", 3.3, 0.2))


def test_arq_windows_off_the_formula() -> None:
    """Wider, or 2a not whole, costs a slot a loss more; without loss a narrow window carries W/(1 + 2a)."""
    assert arq("go-back-n", 2.0, 0.1, 50) == close(0.9 / (0.9 + 0.1 * 6))
    assert arq("go-back-n", 1.7, 0.1) == close(0.9 / (0.9 + 0.1 * 5))
    assert arq("go-back-n", 4.3, 0.0, 4) == close(4 / 9.6)


def test_k_of_n_figures() -> None:
    """3 of 5 at .3: .83692; 16 of 20 at p = .02, r = .1: .72601 on a bursty line, .76875 else."""
    assert round(exact("k-of-n", k=3, n=5, loss=0.3), 5) == 0.83692
    assert round(exact("k-of-n", k=16, n=20, p=0.02, r=0.1), 5) == 0.72601
    assert round(binomial(16, 20, 0.02 / 0.12), 5) == 0.76875


def test_a_chain_without_memory_is_independent_loss() -> None:
    """With p + r = 1 the state of the line is drawn anew for each copy."""
    for k in range(1, 8):
        assert bursty(k, 7, 0.3, 0.7) == close(binomial(k, 7, 0.3))


def test_queue_and_timeout_and_outage() -> None:
    """rho/(1 - rho) and half of it; up at once, up in time."""
    assert exact("queue", rho=0.8, service="exponential") == close(4.0)
    assert exact("queue", rho=0.8, service="constant") == close(2.0)
    assert exact("outage", up_s=3.0, down_s=1.0, deadline_s=2.0) == close(0.75 + 0.25 * (1 - exp(-2.0)))


@pytest.mark.parametrize("spacing", [1.0, 1.5, 1.99])
def test_uniform_delays_far_apart_are_overtaken_by_the_next_alone(spacing: float) -> None:
    """From half the longest delay on the two definitions are one."""
    by_next, by_any = exact("reorder", spacing=spacing, distribution="uniform")
    assert by_any == close((2.0 - spacing) ** 2 / 8.0) == by_next


def test_reordering_by_brute_force() -> None:
    """The integral of the product over later messages, in 20,000 steps, gives the closed forms."""
    steps = 20_000
    for spacing in (0.3, 0.7):
        first = {"exponential": 0.0, "uniform": 0.0}
        for k in range(steps):
            x = 20.0 * (k + 0.5) / steps
            ahead, even = exp(-x), 0.5 if x < 2.0 else 0.0
            later = spacing
            while later < x:
                ahead *= exp(-(x - later))
                even *= 1.0 - min(1.0, (x - later) / 2.0)
                later += spacing
            first["exponential"] += ahead * 20.0 / steps
            first["uniform"] += even * 20.0 / steps
        for distribution, share in first.items():
            late = exact("reorder", spacing=spacing, distribution=distribution)[1]
            assert late == close(1.0 - share, abs=2e-5), (spacing, distribution)
