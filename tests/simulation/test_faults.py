"""Every fault of a file at once, in our words, on its line; nothing of pydantic's reaches the user."""

import re
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cbmnet.errors import ConfigError
from cbmnet.registry import Family
from cbmnet.simulation.faults import faults_from, validated
from cbmnet.simulation.fields import (
    Chosen,
    Count,
    Duration,
    FamilyNode,
    FiniteFloat,
    PositiveDuration,
    Probability,
    Rate,
    Scalar,
    WholeNumber,
    plain,
)  # fmt: skip
from cbmnet.simulation.source import source_from_text
from cbmnet.simulation.words import Problem, errors_at

_package = ModuleType("toy_stages")
_package.__path__ = []
sys.modules["toy_stages"] = _package
TOYS: Family[Any] = Family("stages", "toy_stages")


@dataclass(frozen=True)
class BurstConfig:
    p_prob: float
    mtbf_s: float
    flow_per_s: float = 1.0
    sends: int = 3
    mode: Literal["fast", "slow"] = "fast"
    shares_prob: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.mtbf_s == 0.0:
            raise ValueError("mtbf must be longer than 0")


TOYS.register("burst", BurstConfig)(object())
TOYS.register("none")(object())


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(Part):
    loss: Probability = Field(default=0.1, description="probability that one message is lost")
    delay: Duration = 0.0
    stages: tuple[Annotated[Chosen, FamilyNode(TOYS)], ...] = ()
    believed: Probability | Literal["learned"] = 0.9
    period: PositiveDuration | Literal["off"] = "off"
    latency: Annotated[Chosen, FamilyNode(TOYS)] | Literal["known"] = "known"


class Shock(Part):
    event: Literal["shock"]
    time: Duration
    from_: str = Field(alias="from")


class Calm(Part):
    event: Literal["calm"]
    size: Count = 1


class Study(Part):
    horizon: PositiveDuration
    hops: Annotated[WholeNumber, Field(ge=1, le=8)] = 2
    level: Annotated[FiniteFloat, Field(gt=0.0, lt=1.0)] = 0.95
    flag: bool = True
    rate: Rate = 0.0
    rise: Annotated[tuple[Probability, ...], Field(min_length=2, max_length=2)] = (0.1, 0.2)


class Config(Part):
    study: Study
    channel: Channel = Channel()
    channels: dict[str, Channel] = {}
    states: dict[Annotated[str, Field(pattern="^[a-z]+$")], Channel] = {}
    sweep: dict[str, tuple[Scalar, ...]] = {}
    monitor: Channel | None = None
    at: tuple[Annotated[Shock | Calm, Field(discriminator="event")], ...] = ()

    @model_validator(mode="after")
    def _no_monitor_named_like_a_state(self) -> Self:
        problems = [
            Problem(("channels", key, "loss"), "no such link", 0.5) for key in self.channels if ">" not in key
        ]
        if problems:
            raise errors_at("names", problems)
        if len(self.states) > 3:
            raise ValueError("there are too many states")
        return self


GOOD = """\
[study]
horizon = "7d"
rate = "144/y"

[channel]
loss = 0.2
delay = "20m"
period = "1h"
believed = "learned"
latency = { kind = "none" }
stages = [{ kind = "burst", p = 0.1, mtbf = "180d", flow = "2/h", shares = [0.5] }, { kind = "none" }]

[channels."a>b"]
loss = 0.3

[states.russia]
loss = 0.4

[sweep]
"channel.loss" = [0.0, "x", true]

[[at]]
event = "shock"
time = "1d"
from = "russia"

[[at]]
event = "calm"
"""

PYDANTIC = re.compile(
    r"Input should|\[type=|https?:|pydantic|validation error|Field required|Extra inputs|unable to|"
    r"function-|constrained-|Value error|literal\[|Traceback",
    re.IGNORECASE,
)


def faults(text: str, overrides=(), model=Config) -> list[str]:
    try:
        validated(model, source_from_text(text, "study.toml", overrides))
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []


def study(text: str) -> list[str]:
    return faults(f'[study]\nhorizon = "7d"\n{text}')


def test_a_good_file_becomes_a_config_in_seconds():
    """Durations and rates are seconds, a family's table is its dataclass, `plain` gives JSON data."""
    config = validated(Config, source_from_text(GOOD))
    assert config.study.horizon == 7 * 86400
    assert config.study.rate == 144 / 31536000
    burst = BurstConfig(0.1, 180 * 86400.0, 2 / 3600, shares_prob=(0.5,))
    assert config.channel.stages[0] == Chosen("burst", burst)
    assert plain(config)["channel"]["stages"][1] == {"name": "none", "config": {}}
    assert plain(config)["at"][0]["from"] == "russia"


def test_all_faults_come_at_once_in_the_order_of_the_file():
    """The example of the specification: an unknown key, a range, a time without its unit."""
    text = '[study]\nhorizon = "7d"\n[channel]\nlos = 0.1\nloss = 1.4\ndelay = 20\n'
    assert faults(text) == [
        'study.toml:4  channel.los: unknown key. Did you mean "loss"?',
        "study.toml:5  channel.loss = 1.4: must be from 0 to 1 (probability that one message is lost).",
        'study.toml:6  channel.delay = 20: say the unit, for example "20m" or "20s".',
    ]


CASES = [
    ("hops = 9", "study.toml:3  study.hops = 9: must be from 1 to 8."),
    ("hops = 2.0", "study.toml:3  study.hops = 2.0: must be a whole number from 1 to 8."),
    ("hops = true", "study.toml:3  study.hops = true: must be a whole number from 1 to 8."),
    ("level = 1", "study.toml:3  study.level = 1: must be above 0 and below 1."),
    ('level = "0.5"', 'study.toml:3  study.level = "0.5": must be a number above 0 and below 1.'),
    ("level = nan", "study.toml:3  study.level = nan: must be a finite number."),
    ('flag = "perhaps"', 'study.toml:3  study.flag = "perhaps": must be true or false.'),
    ("rate = 144", 'study.toml:3  study.rate = 144: say the unit, for example "144/y" or "2/h".'),
    ('rate = "often"', 'study.rate = "often": not a rate; write for example "144/y", "0.2/d" or "1/h".'),
    ("rate = true", 'study.rate = true: must be a rate in quotes, for example "144/y" or "2/h".'),
    ("rise = [0.1]", "study.toml:3  study.rise = [0.1]: must have 2 entries; it has 1."),
    ("rise = [0.1, 2]", "study.toml:3  study.rise.1 = 2: must be from 0 to 1."),
    ("rise = 3", "study.toml:3  study.rise = 3: must be an array."),
    ("[channel]\ndelay = '-5m'", 'channel.delay = "-5m": not a duration; write for example'),
    ("[channel]\ndelay = 07:32:00", "channel.delay = 07:32:00: must be a duration in quotes"),
    ("[channel]\nperiod = '0s'", 'channel.period = "0s": must be longer than 0; or write "off".'),
    ("[channel]\nperiod = 20", '.period = 20: say the unit, for example "20m" or "20s"; or write "off".'),
    ("[channel]\nbelieved = 'lernt'", '.believed = "lernt": must be a number from 0 to 1 or "learned".'),
    ("[channel]\nlatency = 'knwn'", 'must be a table with the key "kind": burst, none; or write "known".'),
    ("[channel.latency]\nkind = 'burst'\np = 2\nmtbf = '1d'", "study.toml:5  channel.latency.p = 2: must be"),
    ("[channel.latency]\nkind = 'burst'\np = 1\nmtbf = '0s'", "channel.latency: mtbf must be longer than 0."),
    ("[channel]\ndelay = inf", "study.toml:4  channel.delay = inf: must be a finite number."),
    ("channel = 3", "study.toml:3  study.channel: unknown key. There are horizon, hops"),
    ("[monitor]\nlos = 1", 'study.toml:4  monitor.los: unknown key. Did you mean "loss"?'),
    ("[channels.'a>b']\nlos = 1", 'study.toml:4  channels."a>b".los: unknown key. Did you mean "loss"?'),
    ("[states]\nOne = {}", "study.toml:4  states.One: this name must have the form ^[a-z]+$."),
    ("[states.one]\nloss = -1", "study.toml:4  states.one.loss = -1: must be from 0 to 1"),
    ("[sweep]\n'a.b' = [[1]]", 'study.toml:4  sweep."a.b".0 = [1]: must be a finite number, text in quotes'),
    ("[[at]]\nevent = 'shok'", ' = "shok": no event "shok"; there are shock, calm. Did you mean "shock"?'),
    ("[[at]]\nsize = 1", "study.toml:3  at.0.event: is missing; there are shock, calm."),
    ("[[at]]\nevent = 3", 'study.toml:4  at.0.event = 3: no event "3"; there are shock, calm.'),
    ("[at]\nevent = 3", "study.toml:3  at: must be an array."),
    ("[[at]]\nevent = 'shock'\ntime = '1d'", "study.toml:3  at.0.from: is missing; it must be text"),
    ("[[at]]\nevent = 'calm'\nsize = 0", "study.toml:5  at.0.size = 0: must be at least 1."),
    ("[[at]]\nevent = 'calm'\nsiz = 1", 'study.toml:5  at.0.siz: unknown key. Did you mean "size"?'),
    ("[channels.ab]", 'study.toml:3  channels.ab.loss = 0.5: no such link.'),
    ("[states]\na={}\nb={}\nc={}\nd={}", "study.toml  there are too many states."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), CASES)
def test_each_kind_of_fault_is_said_once_with_what_is_allowed(text, said):
    """One slip gives one line: where, which key, the value, and what may stand there."""
    (fault,) = study(text)
    assert said in fault
    assert fault.endswith(said) or not said.endswith(".")
    assert not PYDANTIC.search(fault)


STAGES = [
    ("{ kind = 'brst' }", '.kind = "brst": no stage "brst"; there are burst, none. Did you mean "burst"?'),
    ("{ p = 1 }", ".kind: is missing; there are burst, none."),
    ("{ kind = 3 }", ".kind = 3: must be the name of a stage: burst, none."),
    ("3", ' = 3: must be a table with the key "kind": burst, none.'),
    ("{ kind = 'none', x = 1 }", ".x: unknown key."),
    (
        "{ kind = 'burst', p = 1 }",
        '.mtbf: is missing; it must be a duration in quotes, for example "20m" or "30d".',
    ),
    ("{ kind = 'burst', p = 1, mtbf = '0s' }", ": mtbf must be longer than 0."),
    ("{ kind = 'burst', p = 1, mtbf_s = 3 }", '.mtbf_s: unknown key. Did you mean "mtbf"?'),
    ("{ kind = 'burst', p = 1, mtbf = 3 }", '.mtbf = 3: say the unit, for example "20m" or "20s".'),
    ("{ kind = 'burst', p = true, mtbf = '1d' }", ".p = true: must be a number from 0 to 1."),
    ("{ kind = 'burst', p = 1, mtbf = '1d', flow = 1 }", ".flow = 1: say the unit, for example"),
    ("{ kind = 'burst', p = 1, mtbf = '1d', sends = true }", ".sends = true: must be a whole number."),
    (
        "{ kind = 'burst', p = 1, mtbf = '1d', mode = 'fst' }",
        'must be "fast" or "slow". Did you mean "fast"?',
    ),
    ("{ kind = 'burst', p = 1, mtbf = '1d', shares = [0, 2] }", ".shares.1 = 2: must be from 0 to 1."),
]


@pytest.mark.parametrize(("stage", "said"), STAGES)
def test_a_familys_table_is_judged_by_its_members_dataclass(stage, said):
    """The chosen member's own fields, under their names in the file, decide what is allowed, at any depth."""
    (fault,) = study(f"[channel]\nstages = [{{ kind = 'none' }}, {stage}]")
    assert fault.startswith("study.toml:4  channel.stages.1")
    assert said in fault


def test_every_fault_of_a_familys_table_is_told():
    """Inside a table of a family, too, nothing hides behind the first fault."""
    said = study("[channel]\nstages = [{ kind = 'burst', p = 2, mtbf = 1, x = 1 }]")
    assert len(said) == 3


def test_a_number_that_is_not_finite_is_a_fault_wherever_it_stands():
    """inf and nan are refused even where the model would take anything."""

    class Loose(BaseModel):
        model_config = ConfigDict(extra="allow")

    said = faults("a = [1, inf]\nb.c = nan", model=Loose)
    assert said == [
        "study.toml:1  a.1 = inf: must be a finite number.",
        "study.toml:2  b.c = nan: must be a finite number.",
    ]


def test_a_fault_from_the_command_line_comes_last_and_names_it():
    """What `--set` put there has no line; it is told after the faults of the file."""
    said = faults("[study]\nhorizon = '1d'\nhops = 0", ["channel.loss=2", "study.level=3"])
    assert said[0] == "study.toml:3  study.hops = 0: must be from 1 to 8."
    assert {text.split("  ")[0] for text in said[1:]} == {"--set channel.loss", "--set study.level"}


def test_a_missing_table_is_a_fault_of_the_file():
    """What stands nowhere has no line."""
    assert faults("[channel]") == ["study.toml  study: is missing; it must be a table."]


def test_a_required_key_under_a_wrong_name_is_told_once():
    """`horizn` is a slip for `horizon`: not also a missing key."""
    assert faults("[study]\nhorizn = '1d'") == [
        'study.toml:2  study.horizn: unknown key. Did you mean "horizon"?'
    ]


def test_a_value_filled_into_other_tables_is_told_where_it_is_written():
    """A general table merged into each named one does not repeat its faults there."""
    source = source_from_text(
        "[study]\nhorizon = '1d'\n[channel]\nloss = 2\n[states.a]\n[states.b]\nloss = 2", "s.toml"
    )
    data = source.data | {"states": {"a": {"loss": 2}, "b": {"loss": 2}}}
    with pytest.raises(ConfigError) as caught:
        validated(Config, source, data)
    assert [fault.key for fault in caught.value.faults] == ["channel.loss", "states.b.loss"]


def test_shown_values_are_short_and_printable():
    """A long value is cut, a control character or a direction mark is written as its escape."""
    long = study(f"hops = '{'x' * 500}'")[0]
    assert re.search(r'study\.hops = "x{55}\.\.\.": must be', long)
    many = study(f"hops = [{'1, ' * 500}]")[0]
    assert len(many) < 140
    odd = study('"a\\u0007\\u202e\\n" = 1')[0]
    assert odd.startswith(r'study.toml:3  study."a\x07\u202e\n": unknown key. There are horizon, ')
    assert r'"\x1b[31m"' in study('rate = "\\u001b[31m"')[0]


def test_the_json_schema_speaks_of_the_file():
    """A duration is text, and a family's table has one alternative for each member."""
    schema = Config.model_json_schema()
    assert schema["$defs"]["Study"]["properties"]["horizon"]["type"] == "string"
    burst = schema["$defs"]["Channel"]["properties"]["stages"]["items"]["anyOf"][0]
    assert burst["required"] == ["kind", "p", "mtbf"]
    assert burst["properties"]["kind"] == {"const": "burst"}


JUNK = st.sampled_from([
    "3", "-1", "1.5", "true", '"x"', '""', "[]", "{}", "[[1]]", "{ a = { b = 1 } }", "nan", "inf", "07:32:00",
    "1979-05-27", '"20m"', '"off"', "{ kind = 'burst' }", "{ kind = 'none', x = nan }", "[{ kind = 1 }, 2]",
    "[{ event = 'shock' }]", "0x" + "f" * 4000, '"\\u0000{said}[type=x]"',
])  # fmt: skip
KEYS = st.sampled_from(["kind", "event", "loss", "stages", "x", "latency"])
LINES = GOOD.splitlines()


@st.composite
def broken(draw) -> str:
    """The good file with a few lines dropped, doubled, misspelt or given another value."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["value", "value", "value", "key", "drop", "header"]))
        if how == "drop":
            lines[at] = ""
        elif how == "header" and lines[at].startswith("["):
            lines[at] = draw(
                st.sampled_from(["[x.y]", "[[study]]", "[channels]", "[states.X]", "[[channels.a]]", "[at]"])
            )
        elif " = " in lines[at]:
            key, value = lines[at].split(" = ", 1)
            lines[at] = f"{key[1:] or 'z'} = {value}" if how == "key" else f"{key} = {draw(JUNK)}"
    return "\n".join(lines)


@given(broken())
def test_no_broken_file_gives_a_traceback_or_foreign_words(text):
    """A mutation of a good file is a config or a list of faults in our words, each told once."""
    said = faults(text)
    assert len(said) == len(set(said))
    for fault in said:
        shown = fault.replace('\\x00{said}[type=x]"', "")
        assert not PYDANTIC.search(shown)
        assert fault.isprintable()
        assert re.match(r"study\.toml(:\d+)?  \S.*[.?]$", fault)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


@given(ANYTHING, st.sampled_from(["study", "channel", "channels", "states", "sweep", "monitor", "at"]))
def test_no_data_at_all_gives_foreign_words(value, key):
    """Whatever JSON may hold under a key of the model, the faults are ours."""
    source = source_from_text(GOOD)
    try:
        Config.model_validate({**source.data, key: value})
    except ValidationError as error:
        told = faults_from(error, source, Config)
        assert told
        assert not any(PYDANTIC.search(str(fault)) for fault in told)
