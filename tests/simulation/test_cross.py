"""What the parts of a config say of each other, and the bounds of its durations."""

import pytest

from cbmnet.errors import ConfigError
from cbmnet.experiments.design import design_from
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.faults import validated
from cbmnet.simulation.source import source_from_text

GOOD = """name = "x"
[study]
horizon = "5d"
[states.a]
[states.b]
"""


def faults(*overrides: str, text: str = GOOD) -> list[str]:
    try:
        validated(RunConfig, source_from_text(text, "x.toml", overrides))
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("states.a.memory=1e-300s", "must be from 1s to 100000y"),
        ("states.a.memory=200000y", "must be from 1s to 100000y"),
        ("crypto.ttl=1ms", "must be from 1s to 10y"),
        ("crypto.ttl=11y", "must be from 1s to 10y"),
        ("study.horizon=2e6y", "must be at most 1000000y"),
        ("study.sample_every=1e-9s", "must be at least 1ms"),
        ("study.sample_every=10ms", "makes more than 1000000 samples"),
        ("study.sample_every=6d", "longer than study.horizon"),
        ("states.a.belief={rule = 'independent', tempering = -1.0}", "must be at least 0"),
        ("states.a.believed_latency={stage = 'bernoulli', loss = 0.1}", "must be a stage that delays"),
    ],
)
def test_what_makes_no_sense_is_a_fault(override: str, said: str) -> None:
    """One fault, that says what is allowed."""
    (fault,) = faults(override)
    assert said in fault


@pytest.mark.parametrize(
    "override",
    [
        "states.a.memory=1s", "crypto.ttl=10y", "study.sample_every=5d", "states.a.belief.tempering=0.0",
        "states.a.believed_latency={stage = 'exponential', delay = '1h'}",
    ],
)  # fmt: skip
def test_the_bounds_themselves_are_good(override: str) -> None:
    """Each limit is allowed."""
    assert faults("states.a.belief.rule=independent", override) == []


def test_what_the_general_table_says_is_told_at_its_own_line() -> None:
    """A bad `[state]`, filled into every state, is one fault where its author wrote it."""
    text = f'{GOOD}[state]\nbelieved_latency = {{ stage = "bernoulli", loss = 0.1 }}\n'
    with pytest.raises(ConfigError) as caught:
        design_from(source_from_text(text, "x.toml"))
    (fault,) = caught.value.faults
    assert (fault.line, fault.key) == (7, "state.believed_latency")


def test_the_name_of_the_monitor_is_reserved() -> None:
    """A state of that name would share its keys and its place on the network."""
    (fault,) = faults(text=GOOD.replace("states.b", "states.monitor"))
    assert fault == (
        "x.toml:5  states.monitor: is the name of the third party of [monitor]; give the state another."
    )


def test_the_monitor_has_links_where_there_is_one() -> None:
    """`[channels."monitor>a"]` and back, with [monitor]; without it there is no such link."""
    links = ("channels.'monitor>a'.loss=0.5", "channels.'a>monitor'.loss=0.5")
    assert faults(*links, "monitor.coverage=1.0") == []
    assert len(faults(*links)) == 2


def test_nothing_is_learned_from_heartbeats_that_never_come() -> None:
    """A period beyond the horizon teaches nothing, which a learner must not be promised."""
    learned = "states.a.believed_delivery=learned"
    (fault,) = faults(learned, "heartbeat.period=6d")
    assert "longer than study.horizon" in fault
    assert faults(learned, "heartbeat.period=1d") == []
    assert faults("heartbeat.period=6d") == []


def test_a_scripted_activity_must_be_possible() -> None:
    """What never happens by its rate weighs nothing when it is seen, and the script would do nothing."""
    event = "[[at]]\ntime = '1d'\nevent = 'activity'\nactor = 'a'\ntoward = 'b'\nclass = 'exercise'\n"
    (fault,) = faults("activities.exercise.rate=0/d", text=GOOD + event)
    assert "weighs nothing" in fault
    assert faults("activities.exercise.rate=0.1/d", text=GOOD + event) == []
    assert faults("activities.exercise.rate=0/d") == []


CLOCK = "{event = 'clock', party = 'a', time = '%s', behind = '%s', gains = %s}"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            [f"at=[{CLOCK % ('1h', '2h', 0)}]"],
            "at.0.behind: sets the clock of a to 1h before the start of the run.",
        ),
        (
            [
                f"at=[{CLOCK % ('5h', '4h', -0.5)}]",
                "faults=[{do = 'set-clock', at = {node = 'a', time = '6h'}, behind = '2h'}]",
            ],
            "faults.0.behind: sets the clock of a to 30m before the start of the run.",
        ),
        (
            ["channel.stages=[{stage = 'up-down', mtbf = '10ms', mttr = '10ms'}]"],
            "channel.stages.0.mtbf: with mttr makes more than 10000000 outages.",
        ),
        (
            ["adversary=[{sees = ['a'], does = 'hold', from = '3d', release = '2d'}]"],
            "adversary.0.release: is not after from; nothing would be held.",
        ),
        (
            ["faults=[{do = 'crash', at = {node = 'a', time = '200d'}, for = '1h'}]"],
            'faults.0: at.time = "200d": after the end, 5d.',
        ),
        (["adversary=[{sees = ['a'], does = 'delay', by = '0s'}]"], "adversary.0.by: must be longer than 0."),
        (
            ["adversary=[{sees = ['a'], does = 'drop', keys = ['a']}]"],
            'adversary.0.keys: means nothing to "drop"; leave it out.',
        ),
    ],
)
def test_what_would_do_nothing_or_end_a_run_is_a_fault(overrides: list[str], said: str) -> None:
    """Clocks before the start, outages without number, rules that never hold: one fault each."""
    (fault,) = faults(*overrides)
    assert fault.endswith(said)


def test_a_clock_may_be_set_back_as_far_as_it_has_run() -> None:
    """To the very start; what was gained before counts."""
    ahead = "{event = 'clock', party = 'a', time = '1h', ahead = '3h'}"
    assert faults(f"at=[{ahead}, {CLOCK % ('2h', '5h', 0)}]") == []
    assert faults(f"at=[{CLOCK % ('2h', '5h', 0)}, {ahead}]") == []  # whatever their order in the file
    assert len(faults(f"at=[{ahead}, {CLOCK % ('2h', '301m', 0)}]")) == 1
    assert (
        faults(f"at=[{CLOCK % ('0.1s', '0.1s', 0)}, {CLOCK % ('0.3s', '0.2s', 0)}]") == []
    )  # but for rounding
