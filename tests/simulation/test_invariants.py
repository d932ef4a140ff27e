"""Invariants: what must hold, and that a run in which it does not ends with an error that tells it."""

from typing import Any

import pytest

from cbmnet.datagram import Label
from cbmnet.errors import ConfigError, SimulationError
from cbmnet.experiments.design import load_design
from cbmnet.metrics.measure import measure
from cbmnet.records import Accept, Crash, Deliver, Reject, Sample, Seal, Send, Transport
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.invariant import INVARIANTS, InvariantError, watches
from cbmnet.simulation.run import run


def seal(at_s: float, message: str, sequence: int = 1, stream: int = 1) -> Seal:
    return Seal(at_s, 1, 0, "a", "b", "notice", message, stream, sequence)


def accept(at_s: float, message: str, cause: int = 0) -> Accept:
    return Accept(at_s, 2, cause, "b", "a", "notice", message, 0.0)


def deliver(at_s: float, number: int, *, forged: bool = False) -> Deliver:
    return Deliver(at_s, number, 0, "a", "b", "notice", Label("notice", 1, 0, 1), False, forged)


def told(event: str) -> Transport:
    return Transport(6.0, 3, 0, "a", "b", event, 1, 1, 1)


SENT = Send(0.0, 1, 0, "a", "b", "notice", Label("notice", 1, 0, 1))
TWO = seal(0.0, "x"), seal(1.0, "y", 2)
SAME = seal(0.0, "x"), seal(1.0, "y")
FORGOT = Crash(3.0, 1, 0, "a", False, True)
AGAIN = seal(0.0, "x"), FORGOT, seal(4.0, "y")
HEALED = {"healed_s": 10.0, "within_s": 5.0}

GOOD: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    ("at-most-once", {}, (accept(1, "x"), accept(2, "y"))),
    ("in-order", {}, (*TWO, accept(2, "x"), accept(3, "y"))),
    ("in-order", {}, (*TWO, accept(3, "y"))),
    ("in-order", {}, (seal(0, "x"), seal(1, "y", 1, 2), accept(2, "y"), accept(3, "x"))),
    ("no-forgery-accepted", {}, (deliver(1, 7, forged=True), deliver(1, 8), accept(1, "x", 8))),
    ("nothing-before-its-cause", {}, (seal(0, "x"), SENT, deliver(1, 7), accept(1, "x", 7))),
    ("nothing-before-its-cause", {}, (deliver(1, 7, forged=True), accept(1, "x", 7))),
    ("delivered-after-healing", HEALED, (seal(0, "x"), accept(14, "x"))),
    ("delivered-after-healing", HEALED, (seal(0, "x"), told("gave up"))),
    ("delivered-after-healing", HEALED, (seal(96, "x"),)),
    ("acknowledged-was-delivered", {}, (seal(0, "x"), accept(1, "x"), told("acknowledged"))),
    ("acknowledged-was-delivered", {}, (seal(0, "x"), told("gave up"))),
    # The same number in two epochs, and begun anew by one who lost its memory.
    ("acknowledged-was-delivered", {}, (*SAME, accept(2, "x"), told("acknowledged"))),
    (
        "acknowledged-was-delivered",
        {},
        (seal(0, "x"), FORGOT, seal(4, "y"), accept(5, "y"), told("acknowledged")),
    ),
    ("delivered-after-healing", HEALED, (*SAME, accept(2, "y"), told("gave up"))),
    (
        "delivered-after-healing",
        HEALED,
        (seal(0, "x"), accept(1, "x"), FORGOT, seal(4, "y"), told("gave up")),
    ),
    ("belief-agrees", {}, (Sample(1.0, 1, 0, "a", "b", 0.9, 0, 1.0), Sample(2.0, 1, 0, "a", "b", 0.2, 0, 1))),
]
BAD: list[tuple[str, dict[str, Any], tuple[Any, ...], str]] = [
    ("at-most-once", {}, (accept(1, "x"), accept(2, "x")), "accepted notice x of a again; the first"),
    ("in-order", {}, (*TWO, accept(2, "y"), accept(3, "x")), "accepted x of a after y, sent later"),
    ("no-forgery-accepted", {}, (deliver(1, 7, forged=True), accept(1, "x", 7)), "forged notice in the name"),
    ("nothing-before-its-cause", {}, (accept(1, "x"),), "who never sent it"),
    ("nothing-before-its-cause", {}, (deliver(1, 7),), "had not sent it"),
    ("delivered-after-healing", HEALED, (seal(0, "x"), accept(16, "x")), "due by 15 s"),
    ("delivered-after-healing", HEALED, (seal(0, "x"),), "has not reached b"),
    ("delivered-after-healing", HEALED | {"unless_given_up": False}, (seal(0, "x"), told("gave up")), "due"),
    ("acknowledged-was-delivered", {}, (seal(0, "x"), told("acknowledged")), "which it has not"),
    ("acknowledged-was-delivered", {}, (*SAME, accept(2, "x"), *(told("acknowledged"),) * 2), "has y, which"),
    ("acknowledged-was-delivered", {}, (*AGAIN, accept(5, "x"), told("acknowledged")), "has y, which"),
    ("delivered-after-healing", HEALED, (*SAME, told("gave up")), "y of a has not reached b"),
    ("belief-agrees", {}, (Sample(1.0, 1, 0, "a", "b", 0.9, 0, 1.0),), "holds P = 0.9 about b"),
]


def watch(name: str, config: dict[str, Any], records: tuple[Any, ...]) -> None:
    ring, observer = watches([(name, INVARIANTS[name].config(**config))])
    for record in records:
        ring.feed(record)
        if type(record) in observer.wants:
            observer.feed(record)
    observer.result(100.0)


@pytest.mark.parametrize(("name", "config", "records"), GOOD)
def test_what_may_happen_violates_nothing(name: str, config: Any, records: Any) -> None:
    """Loss, reordering across streams, a forgery refused, a message given up: no invariant minds."""
    watch(name, config, records)


@pytest.mark.parametrize(("name", "config", "records", "says"), BAD)
def test_what_must_not_happen_is_told(name: str, config: Any, records: Any, says: str) -> None:
    """The error names the invariant, says what and when, and dumps the last records."""
    with pytest.raises(InvariantError, match=f"invariant {name}: at") as caught:
        watch(name, config, records)
    assert says in str(caught.value)
    assert caught.value.last[-1] == records[-1]
    assert type(records[-1]).__name__ in str(caught.value)


def test_every_invariant_is_tried_both_ways() -> None:
    """No invariant of the family is without a good and a bad case here."""
    assert {name for name, *_ in GOOD} == {name for name, *_ in BAD} == set(INVARIANTS.names())


def test_a_rejected_message_is_no_acceptance() -> None:
    """A duplicate that verification refused violates nothing."""
    ring, observer = watches([("at-most-once", INVARIANTS["at-most-once"].config())])
    assert Reject not in observer.wants
    assert ring.wants


NAMES = ["at-most-once", "in-order", "no-forgery-accepted", "nothing-before-its-cause"]


def config_of(*, verification: str) -> dict[str, Any]:
    forgery = {"time": "1h", "event": "forgery", "claims": "red", "to": "blue"}
    return {
        "name": "forged",
        "study": {"horizon": "2d", "invariants": NAMES},
        "states": {"red": {}, "blue": {"verification": verification}},
        "at": [forgery],
    }


def test_a_study_may_name_invariants() -> None:
    """Strict verification keeps them all; naive verification accepts the forgery and the run fails."""
    run(RunConfig.model_validate(config_of(verification="strict")), 1, 0)
    naive = RunConfig.model_validate(config_of(verification="naive"))
    with pytest.raises(SimulationError, match=r"forged, seed 1, run 0, 3600.*invariant no-forgery-accepted"):
        run(naive, 1, 0)
    row = measure(naive, 1, 0, ("peak_rung",))
    assert row.error is not None
    assert "accepted a forged leader-text in the name of red" in row.error


def test_watching_changes_nothing(tmp_path: Any) -> None:
    """A run with invariants measures the same as one without."""
    config = RunConfig.model_validate(config_of(verification="strict"))
    bare = config.model_copy(update={"study": config.study.model_copy(update={"invariants": ()})})
    names = ("delivery", "peak_rung", "transit_s", "rejected")
    assert measure(config, 1, 0, names) == measure(bare, 1, 0, names)


def test_an_unknown_invariant_is_one_clear_fault(tmp_path: Any) -> None:
    """It says which there are."""
    file = tmp_path / "x.toml"
    file.write_text('[study]\nhorizon = "1d"\ninvariants = ["at-most-onze"]\n[states.a]\n[states.b]\n')
    with pytest.raises(ConfigError, match=r"x.toml:3 .*at-most-onze.*at-most-once") as caught:
        load_design(file, ())
    assert len(caught.value.faults) == 1
