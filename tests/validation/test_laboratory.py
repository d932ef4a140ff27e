"""The channel and protocol cases: what the program gives agrees with what is known, at several parameters.

Here with few trials; `make soak` takes enough for a standard error of 1 % of the exact value.
"""

from typing import Any

import pytest

from .laboratory import LABORATORY, SOAK, run

# Case, parameters, trials in every run of the tests, and trials of the soak (None: the default number).
SETTINGS: list[tuple[str, dict[str, Any], int, int | None]] = [
    ("gilbert-elliott", {"p": 0.02, "r": 0.2, "e_good": 0.01, "e_bad": 0.6}, 100_000, None),
    ("gilbert-elliott", {"p": 0.1, "r": 0.25, "e_good": 0.0, "e_bad": 1.0}, 60_000, None),
    ("gilbert-elliott", {"p": 0.9, "r": 0.8, "e_good": 0.5, "e_bad": 0.3}, 60_000, None),
    ("four-state", {"p13": 0.05, "p31": 0.3, "p32": 0.3, "p23": 0.6, "p14": 0.02}, 80_000, None),
    ("four-state", {"p13": 0.0, "p31": 1.0, "p32": 0.0, "p23": 1.0, "p14": 0.2}, 60_000, None),
    ("four-state", {"p13": 0.3, "p31": 0.1, "p32": 0.9, "p23": 0.2, "p14": 0.4}, 60_000, None),
    ("stop-and-wait", {"data_loss": 0.5, "ack_loss": 0.5, "max_sends": 5}, 20_000, None),
    ("stop-and-wait", {"data_loss": 0.1, "ack_loss": 0.4, "max_sends": 2}, 20_000, None),
    ("stop-and-wait", {"data_loss": 0.3, "ack_loss": 0.6, "max_sends": 1}, 20_000, None),
    ("arq-efficiency", {"scheme": "stop-and-wait", "a": 2.0, "loss": 0.1}, 60_000, None),
    ("arq-efficiency", {"scheme": "stop-and-wait", "a": 0.3, "loss": 0.4}, 30_000, None),
    ("arq-efficiency", {"scheme": "go-back-n", "a": 2.0, "loss": 0.1}, 40_000, None),
    ("arq-efficiency", {"scheme": "go-back-n", "a": 0.0, "loss": 0.3}, 20_000, None),
    ("arq-efficiency", {"scheme": "go-back-n", "a": 3.0, "loss": 0.05, "window": 20}, 40_000, None),
    ("arq-efficiency", {"scheme": "go-back-n", "a": 1.7, "loss": 0.1}, 40_000, None),
    ("arq-efficiency", {"scheme": "go-back-n", "a": 4.3, "loss": 0.1, "window": 4}, 60_000, None),
    ("arq-efficiency", {"scheme": "selective-repeat", "a": 2.0, "loss": 0.1}, 30_000, None),
    ("arq-efficiency", {"scheme": "selective-repeat", "a": 5.5, "loss": 0.3, "window": 1023}, 20_000, None),
    ("k-of-n", {"k": 3, "n": 5, "loss": 0.3}, 8_000, None),
    ("k-of-n", {"k": 1, "n": 3, "loss": 0.6}, 8_000, None),
    ("k-of-n", {"k": 16, "n": 20, "p": 0.02, "r": 0.1}, 10_000, None),
    ("queue", {"rho": 0.5, "service": "exponential"}, 80_000, None),
    ("queue", {"rho": 0.5, "service": "constant"}, 60_000, None),
    ("queue", {"rho": 0.8, "service": "constant"}, 80_000, None),
    ("spurious-timeout", {"timeout": 1.0}, 30_000, None),
    ("spurious-timeout", {"timeout": 3.0}, 30_000, None),
    ("reorder", {"spacing": 0.5, "distribution": "exponential"}, 60_000, None),
    ("reorder", {"spacing": 0.1, "distribution": "uniform"}, 60_000, None),
    ("reorder", {"spacing": 1.2, "distribution": "uniform"}, 60_000, 1_000_000),
    ("reorder", {"spacing": 2.5, "distribution": "uniform"}, 5_000, None),
    ("outage", {"up_s": 60.0, "down_s": 600.0, "deadline_s": 100.0}, 40_000, None),
    ("outage", {"up_s": 5e6, "down_s": 1e6, "deadline_s": 0.0}, 40_000, None),
    ("two-generals", {"loss": 0.3, "messages": 3}, 30_000, None),
    ("two-generals", {"loss": 0.2, "messages": 6}, 20_000, None),
    ("two-generals", {"loss": 0.4, "messages": 1}, 30_000, None),
    ("receipts", {"loss": 0.1, "depth": 2}, 30_000, None),
    ("receipts", {"loss": 0.3, "depth": 5}, 20_000, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "parameters", "few", "many"),
    SETTINGS,
    ids=lambda x: x if isinstance(x, str) else " ".join(map(str, x.values())) if isinstance(x, dict) else "",
)
def test_it_agrees(case: str, parameters: dict[str, Any], few: int, many: int | None) -> None:
    """Within 4 standard errors; in the soak with errors of at most 1 %."""
    trials = few if not SOAK else many
    results = run(case, **parameters, **({"trials": trials} if trials else {}))
    for name, o in results.items():
        assert o.distance <= 4.0, (name, o)
        assert not trials or o.n == trials
        assert not SOAK or o.standard_error <= 0.01 * o.exact, (name, o)


@pytest.mark.skipif(not SOAK, reason="a soak: two minutes")
@pytest.mark.parametrize("case", LABORATORY)
def test_at_its_defaults_an_error_of_two_percent_of_any_result_is_found(case: str) -> None:
    """Standard errors are at most .4 %; 2 % more or less than the exact value differs."""
    for name, o in run(case).items():
        assert o.agrees, (name, o)
        assert o.standard_error <= 0.004 * o.exact, (name, o)
        assert all(abs(o.simulated - o.exact * error) > 4 * o.standard_error for error in (0.98, 1.02))
