"""Each metric, fed by hand, gives the value one counts by hand."""

from typing import Any

import pytest
from msgspec.structs import replace

from cbmnet.channels.stage import ASTRAY
from cbmnet.datagram import Label
from cbmnet.metrics.metric import METRICS, chosen
from cbmnet.records import Accept, Answer, Attack, Belief, Deliver, Reject, Rung, Sample, Seal, Transport
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import Facts

CONFIG = RunConfig.model_validate(
    {"name": "x", "study": {"horizon": "1d"}, "states": {"blue": {"start_rung": 2}, "red": {}}}
)


def value(name: str, *records: Any, config: RunConfig = CONFIG) -> Any:
    """What the metric makes of those records that it wants, in a run of that config."""
    metric: Any = METRICS[name].make()
    metric.start(Facts(config, 1, 0))
    for record in records:
        if type(record) in metric.wants:
            metric.feed(record)
    return metric.result(86400.0)


def seal(message: str, kind: str = "notice", at_s: float = 0.0) -> Seal:
    return Seal(at_s, 1, 0, "red", "blue", kind, message)


def accept(message: str, kind: str = "notice", at_s: float = 60.0, cause: int = 0) -> Accept:
    return Accept(at_s, 2, cause, "blue", "red", kind, message, 1e6)  # its sender's clock is wrong


def deliver(sequence: int, *, id_: int = 3, forged: bool = False, stream: int = 5) -> Deliver:
    return Deliver(60.0, id_, 0, "red", "blue", "notice", Label("notice", stream, 0, sequence), False, forged)


def transport(event: str, sequence: int, stream: int = 5) -> Transport:
    return Transport(90.0, 4, 0, "red", "blue", event, stream, sequence, 3)


def rung(before: int, after: int, intent: int = 0) -> Rung:
    return Rung(1.0, 5, 0, "blue", "red", before, after, intent)


def sample(probability: float, intent: int, delivery: float = 0.9) -> Sample:
    return Sample(1.0, 6, 0, "blue", "red", probability, intent, delivery)


def reject(code: str) -> Reject:
    return Reject(1.0, 7, 0, "blue", "red", code)


def answer(outcome: str) -> Answer:
    return Answer(1.0, 8, 0, "blue", "red", outcome)


def attack(*, missed: bool) -> Attack:
    return Attack(1.0, 9, 0, "red", "blue", 0.02, missed)


def belief(probability: float) -> Belief:
    return Belief(1.0, 10, 0, "blue", "red", probability, 0.9)


SAMPLES = (sample(0.1, 0), sample(0.6, 1), sample(0.9, 0, 0.3))
CASES: dict[str, list[tuple[Any, tuple[Any, ...]]]] = {
    "attack": [(False, ()), (True, (attack(missed=False),))],
    "missed_threat": [(False, ()), (False, (attack(missed=False),)), (True, (attack(missed=True),))],
    "belief_error": [(None, ()), ((0.1 + 0.4 + 0.9) / 3, SAMPLES)],
    "brier": [(None, ()), ((0.01 + 0.16 + 0.81) / 3, SAMPLES)],
    "highest_belief": [(0.0, ()), (0.9, SAMPLES), (0.95, (belief(0.95), *SAMPLES))],
    "believed_failed": [
        (0, (deliver(1), transport("acknowledged", 1))),
        (0, (transport("gave up", 1),)),
        (0, (deliver(1), transport("gave up", 2))),
        (0, (deliver(1, stream=9), transport("gave up", 1))),
        (1, (deliver(1), transport("gave up", 1))),
        (0, (replace(deliver(1), kind="link-ack"), transport("gave up", 1))),
        (0, (replace(deliver(1), corrupted=True), transport("gave up", 1))),
        (0, (replace(deliver(1), label=deliver(1).label._replace(copy=ASTRAY)), transport("gave up", 1))),
        (1, (transport("gave up", 1), deliver(1), deliver(1), deliver(2), transport("gave up", 3))),
        (2, (deliver(1), deliver(2), transport("gave up", 1), transport("gave up", 2))),
    ],
    "delivery": [
        (None, ()),
        (None, (seal("h", "heartbeat"), accept("h", "heartbeat"))),
        (0.0, (seal("a"),)),
        (0.5, (seal("a"), seal("b"), accept("a"), seal("h", "heartbeat"))),
        (1.0, (seal("a"), accept("a"), accept("a"))),
        (0.0, (seal("a"), accept("forged", "leader-text"))),
        (1.0, (seal("a"), accept("a"), seal("under way", at_s=86341.0))),
        (0.5, (seal("a"), accept("a"), seal("lost", at_s=86340.0))),
    ],
    "delivery_error": [
        (0.7 - 1.0, (*SAMPLES, seal("a"), accept("a"), seal("late", at_s=86390.0))),
        (None, ()),
        (None, SAMPLES),
        (None, (seal("a"), accept("a"))),
        (0.7 - 1.0, (*SAMPLES, seal("a"), accept("a"))),
        (0.7 - 0.5, (*SAMPLES, seal("a"), seal("b"), accept("a"), seal("q", "query"))),
    ],
    "transit_s": [
        (None, ()),
        (None, (seal("h", "heartbeat"), accept("h", "heartbeat", 9.0))),
        (None, (accept("forged"),)),
        (70.0, (seal("a"), accept("a", at_s=60.0), seal("b", at_s=30.0), accept("b", at_s=100.0), seal("c"),
                accept("c", at_s=900.0), accept("forged"), seal("h", "heartbeat"),
                accept("h", "heartbeat", 9.0))),
    ],
    "duplicates_rejected": [(2, (reject("Duplicate"), reject("Replayed"), reject("BadSignature")))],
    "rejected": [(1, (reject("Duplicate"), reject("Replayed"), reject("BadSignature")))],
    "forgeries_accepted": [
        (0, (deliver(1, id_=3), accept("a", cause=3))),
        (0, (deliver(1, id_=3, forged=True), reject("BadSignature"))),
        (1, (deliver(1, id_=3, forged=True), accept("a", cause=3), accept("b", cause=4))),
    ],
    "unanswered": [(None, ()), (0.5, (answer("none"), answer("benign"), answer("other"), answer("none")))],
    "false_alarm": [
        (False, ()),
        (False, (rung(1, 2, intent=1), rung(2, 1))),
        (True, (rung(1, 2), rung(2, 1))),
    ],
    "false_alarm_rises": [
        (0, (rung(2, 1),)),
        (2, (rung(1, 2), rung(2, 3, intent=1), rung(3, 4), rung(4, 3))),
    ],
    "peak_rung": [(2, ()), (2, (rung(0, 1),)), (7, (rung(6, 7), rung(7, 6)))],
    "crisis": [(False, (rung(4, 5),)), (True, (rung(5, 6), rung(6, 5)))],
    "central_war": [(False, (rung(8, 9),)), (True, (rung(9, 10),))],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected", "records"),
    [(name, expected, records) for name, cases in CASES.items() for expected, records in cases],
)
def test_a_metric_is_what_one_counts_by_hand(name: str, expected: Any, records: tuple[Any, ...]) -> None:
    """The value of a few records, and of none."""
    found = value(name, *records)
    assert found == (expected if expected is None else pytest.approx(expected))
    assert type(found) is type(expected)


def test_a_crisis_that_was_there_at_the_start_counts() -> None:
    """A run that begins at rung 6 is a crisis without any step; its peak is 6."""
    states = {"blue": {"start_rung": 6}, "red": {}}
    config = RunConfig.model_validate({"name": "x", "study": {"horizon": "1d"}, "states": states})
    assert value("crisis", config=config) is True
    assert value("peak_rung", config=config) == 6


def test_the_decomposition_keeps_every_sample_and_states_the_brier_score() -> None:
    """Score = miscalibration - discrimination + uncertainty, and is the mean over all samples."""
    runs = [value("decomposition", *SAMPLES), value("decomposition", sample(0.2, 1)), value("decomposition")]
    assert runs[0] == ([0.1, 0.6, 0.9], [0, 1, 0])
    stated = METRICS["decomposition"].make.pool(runs, 0.95)
    mean = {name.rsplit(".", 1)[-1]: interval.mean for name, interval in stated.items()}
    assert set(mean) == {"miscalibration", "discrimination", "uncertainty", "score"}
    assert mean["score"] == pytest.approx((0.01 + 0.16 + 0.81 + 0.64) / 4)
    assert mean["score"] == pytest.approx(
        mean["miscalibration"] - mean["discrimination"] + mean["uncertainty"]
    )
    assert METRICS["decomposition"].make.pool([([], [])], 0.95) == {}


def test_false_alarms_bring_their_price_with_them() -> None:
    """Whoever asks for false alarms is shown missed threats and attacks; others get what they ask for."""
    assert chosen(("false_alarm_rises",)) == ["attack", "false_alarm_rises", "missed_threat"]
    assert chosen(("brier",)) == ["brier"]
    assert chosen(None) == METRICS.names()
