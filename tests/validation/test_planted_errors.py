"""Errors of 2 % planted in the real parts are found, each by its case; and standard errors are honest.

A stage or variant is made to do 2 % more of what it does than it was told, and the case must differ. Here for
three cases, in `make soak` for all, at their default parameters and numbers of trials.
"""

from dataclasses import replace
from math import sqrt
from typing import Any

import pytest

from cbmnet.channels.stage import STAGES
from cbmnet.protocols.endpoint import VARIANTS

from .laboratory import LABORATORY, SOAK, found, run

# Where the error is: the family, the member, what of its config is 2 % off; and how many trials find it.
PLANTED: dict[str, tuple[Any, str, tuple[str, ...], dict[str, Any]]] = {
    "arq-efficiency": (VARIANTS, "go-back-n", ("pace_s",), {}),
    "four-state": (STAGES, "four-state", ("p13_prob", "p14_prob"), {}),
    "gilbert-elliott": (STAGES, "gilbert-elliott", ("good_loss_prob", "bad_loss_prob"), {}),
    "k-of-n": (STAGES, "bernoulli", ("loss_prob",), {}),
    "outage": (STAGES, "up-down", ("mttr_s",), {}),
    "queue": (STAGES, "queue", ("service_s",), {}),
    "receipts": (STAGES, "bernoulli", ("loss_prob",), {}),
    "reorder": (STAGES, "exponential", ("delay_s",), {}),
    "spurious-timeout": (STAGES, "exponential", ("delay_s",), {"trials": 80_000}),
    "stop-and-wait": (STAGES, "bernoulli", ("loss_prob",), {"trials": 60_000}),
    "two-generals": (STAGES, "bernoulli", ("loss_prob",), {}),
}
IN_EVERY_RUN = ("outage", "spurious-timeout", "stop-and-wait")


def plant(monkeypatch: pytest.MonkeyPatch, family: Any, name: str, keys: tuple[str, ...]) -> None:
    """Has the member made with 2 % more of these settings than its config says."""
    member = family[name]

    def make(config: Any, *rest: Any) -> Any:
        return member.make(replace(config, **{key: 1.02 * getattr(config, key) for key in keys}), *rest)

    monkeypatch.setitem(family._members, name, replace(member, make=make))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, marks=[] if SOAK or c in IN_EVERY_RUN else pytest.mark.skip("a soak: minutes"))
        for c in LABORATORY
    ],
)
def test_a_planted_error_is_found(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """2 % in a stage or a variant, and the case differs; without it, the same trials agree."""
    family, name, keys, few = PLANTED[case]
    size = {} if SOAK else few
    assert SOAK or found(run(case, **size)) == []  # at full size another test says so
    plant(monkeypatch, family, name, keys)
    assert found(run(case, **size)) != []


# Few trials of each case, at parameters where batches are short.
SMALL: dict[str, dict[str, Any]] = {
    "arq-efficiency": {"trials": 4_000, "a": 1.0},
    "four-state": {"trials": 4_000},
    "gilbert-elliott": {"trials": 4_000, "p": 0.1, "r": 0.2},
    "k-of-n": {"trials": 1_600, "k": 4, "n": 5, "p": 0.05, "r": 0.2},
    "outage": {"trials": 4_000, "deadline_s": 30.0},
    "queue": {"trials": 6_000, "rho": 0.3},
    "receipts": {"trials": 2_000},
    "reorder": {"trials": 4_000},
    "spurious-timeout": {"trials": 2_000},
    "stop-and-wait": {"trials": 1_000},
    "two-generals": {"trials": 2_000, "loss": 0.4},
}


@pytest.mark.parametrize("case", LABORATORY)
def test_standard_errors_are_honest(case: str) -> None:
    """Over 40 seeds the distances, in standard errors, spread by about 1 around about 0.

    Of 40 independent normal distances the spread lies between .6 and 1.4 (3.5 of its own errors) and the
    mean within .64 (4 of its own).
    """
    seeds = 40
    distances: dict[str, list[float]] = {}
    for seed in range(seeds):
        for name, o in run(case, seed=seed, **SMALL[case]).items():
            distances.setdefault(name, []).append((o.simulated - o.exact) / o.standard_error)
    for name, values in distances.items():
        mean = sum(values) / seeds
        spread = sqrt(sum((x - mean) ** 2 for x in values) / (seeds - 1))
        assert 0.6 < spread < 1.4, (name, spread)
        assert abs(mean) < 0.64, (name, mean)


@pytest.mark.parametrize("case", LABORATORY)
def test_results_do_not_depend_on_the_number_of_processes(case: str) -> None:
    """One process and three give the same to the last bit; another seed does not."""
    one = run(case, 1, **SMALL[case])
    assert one == run(case, 3, **SMALL[case])
    assert one != run(case, 1, seed=2, **SMALL[case])
