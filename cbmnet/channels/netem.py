"""The words of netem (netem(8), iproute2) as channel stages, and channel stages as words of netem.

So a simulated link can be set on a real interface with `tc qdisc add dev DEVICE root netem WORDS`, and the
other way round. Stages come in netem's order of effect: duplicate, loss, corrupt, delay, rate, reorder. Where
the two differ:
- a copy meets a loss of its own here; netem never loses both twins;
- a delay's correlation is a Gaussian copula here and keeps the distribution (channels/delay.py); netem mixes
  uniforms, which narrows it;
- jitter without a named distribution is uniform, as the kernel has it, not normal, as its manual has it;
- a reordered message has passed the rate here; in netem it skips that too;
- netem's limit counts what is in its delay too, and its queue always has one: 1000 where it is not said.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cbmnet.channels import netem_numbers as numbers
from cbmnet.channels.netem_words import NO_LIMIT, write
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.corruption import CorruptionConfig
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.channels.stages.four_state import FourStateConfig
from cbmnet.channels.stages.gilbert_elliott import GilbertElliottConfig
from cbmnet.channels.stages.pareto import ParetoConfig
from cbmnet.channels.stages.rate import RateConfig
from cbmnet.channels.stages.reordering import ReorderingConfig
from cbmnet.channels.stages.truncated_normal import TruncatedNormalConfig
from cbmnet.channels.stages.uniform import UniformConfig

StageSpec = tuple[str, object]
_SAME = {"latency": "delay", "drop": "loss"}  # what tc takes for the same
_WORDS = ("delay", "distribution", "loss", "duplicate", "corrupt", "reorder", "gap", "rate", "limit")
_UNSUPPORTED = {
    "slot": "slots have no stage here",
    "ecn": "messages are not marked here, only lost",
    "seed": "the seed is that of the run",
}
_NAMES_FOLLOW = ("loss", "distribution")
_DISTRIBUTIONS = ("uniform", "normal", "pareto")
_NO_CORRELATION = "has no stage with correlation; give the percent alone"
_DEPRECATED = (
    "with a correlation is deprecated by netem's own manual, since it does not do what it says; "
    'write "loss gemodel p r" or "loss state p13 p31"'
)


def parse_netem(words: str) -> list[StageSpec]:
    """The stages that these words mean, in netem's order of effect.

    Raises ValueError that names the word at fault and says what is allowed.
    """
    said = _clauses(words)
    made: list[StageSpec] = []
    if "duplicate" in said:
        duplicate_prob = _percent_alone("duplicate", said["duplicate"], _NO_CORRELATION)
        made.append(("duplication", DuplicationConfig(duplicate_prob)))
    if "loss" in said:
        made.append(_loss(said["loss"]))
    if "corrupt" in said:
        made.append(
            ("corruption", CorruptionConfig(_percent_alone("corrupt", said["corrupt"], _NO_CORRELATION)))
        )
    return [*made, *_delay(said), *_rate(said), *_reorder(said)]


def to_netem(specs: Sequence[StageSpec]) -> str:
    """The words that set these stages on an interface: what stands after `netem` in a tc command.

    Raises ValueError for a stage, or a setting or an order of stages, that netem does not have.
    """
    return write(specs)


def _clauses(words: str) -> dict[str, list[str]]:
    """Each word of netem with the values that follow it."""
    clauses: dict[str, list[str]] = {}
    values: list[str] | None = None
    last = ""
    for word in words.split():
        name = _SAME.get(word, word)
        if name in _UNSUPPORTED:
            raise ValueError(f'netem: "{word}" is not supported: {_UNSUPPORTED[name]}')
        if name in _WORDS:
            if name in clauses:
                raise ValueError(f'netem: "{word}" comes twice')
            values, last = [], name
            clauses[name] = values
        elif values is None or (word.isalpha() and (last not in _NAMES_FOLLOW or values)):
            raise ValueError(f'netem: no word "{word}"; there are {", ".join(_WORDS)}')
        else:
            values.append(word)
    if not clauses:
        raise ValueError('netem: says nothing; write for example "delay 100ms 20ms loss 1%"')
    return clauses


def _take(name: str, values: list[str], least: int, most: int, what: str) -> None:
    """The number of values must be right; one too many is a word that netem does not know."""
    if len(values) < least:
        raise ValueError(f'netem: "{name}" needs {what}')
    if len(values) > most:
        raise ValueError(f'netem: no word "{values[most]}" after "{name}", which takes {what}')


def _percent_alone(name: str, values: list[str], otherwise: str) -> float:
    _take(name, values, 1, 2, 'a percent, for example "1%"')
    prob = numbers.percent(name, values[0])
    if len(values) == 2 and numbers.percent(f"{name} correlation", values[1]) > 0.0:
        raise ValueError(f'netem: "{name}" {otherwise}')
    return prob


def _loss(values: list[str]) -> StageSpec:
    kinds: dict[str, Callable[[list[str]], StageSpec]] = {
        "gemodel": _gemodel,
        "state": _state,
        "random": _random,
    }
    if values and values[0].isalpha():
        if values[0] not in kinds:
            raise ValueError(f'netem: no word "{values[0]}" after "loss"; there are random, state, gemodel')
        return kinds[values[0]](values[1:])
    return _random(values)


def _random(values: list[str]) -> StageSpec:
    return "bernoulli", BernoulliConfig(_percent_alone("loss", values, _DEPRECATED))


def _gemodel(values: list[str]) -> StageSpec:
    _take("loss gemodel", values, 1, 4, "p [r [1-h [1-k]]] in percent")
    p, *given = [numbers.percent("loss gemodel", value) for value in values]
    r, bad, good = (*given, *(1.0 - p, 1.0, 0.0)[len(given) :])
    return "gilbert-elliott", _built("loss gemodel", lambda: GilbertElliottConfig(p, r, good, bad))


def _state(values: list[str]) -> StageSpec:
    _take("loss state", values, 1, 5, "p13 [p31 [p32 [p23 [p14]]]] in percent")
    p13, *given = [numbers.percent("loss state", value) for value in values]
    p31, p32, p23, p14 = (*given, *(1.0 - p13, 0.0, 1.0, 0.0)[len(given) :])
    return "four-state", _built("loss state", lambda: FourStateConfig(p13, p31, p32, p23, p14))


def _built(name: str, make: Callable[[], Any]) -> Any:
    """A config; what it says of itself is told with the word that asked for it."""
    try:
        return make()
    except ValueError as error:
        said = str(error)
        raise ValueError(said if said.startswith("netem: ") else f'netem: "{name}": {said}') from None


def _delay(said: dict[str, list[str]]) -> Iterator[StageSpec]:
    if "delay" not in said:
        if "distribution" in said:
            raise ValueError('netem: "distribution" needs "delay" with a jitter')
        return
    values = said["delay"]
    _take("delay", values, 1, 3, 'a time, a jitter and a correlation, for example "100ms 20ms 25%"')
    delay_s, *jitters_s = [numbers.seconds("delay", value) for value in values[:2]]
    jitter_s = jitters_s[0] if jitters_s else 0.0
    correlation = numbers.percent("delay correlation", values[2]) if len(values) == 3 else 0.0
    kind = _distribution(said, jitter_s)
    if jitter_s == 0.0:
        yield "constant", ConstantConfig(delay_s)
    else:
        yield _built("delay", lambda: _jittered(kind, delay_s, jitter_s, correlation))


def _distribution(said: dict[str, list[str]], jitter_s: float) -> str:
    if "distribution" not in said:
        return "uniform"
    _take("distribution", said["distribution"], 1, 1, f"one of {', '.join(_DISTRIBUTIONS)}")
    kind = said["distribution"][0]
    if kind not in _DISTRIBUTIONS:
        raise ValueError(f'netem: no stage for "distribution {kind}"; there are {", ".join(_DISTRIBUTIONS)}')
    if jitter_s == 0.0:
        raise ValueError('netem: "distribution" needs "delay" with a jitter')
    return kind


def _jittered(kind: str, delay_s: float, jitter_s: float, correlation: float) -> StageSpec:
    if kind == "uniform":
        return "uniform", UniformConfig(delay_s, jitter_s, correlation=correlation)
    if kind == "normal":
        return "truncated-normal", TruncatedNormalConfig(
            delay_s, jitter_s, clipped=True, correlation=correlation
        )
    # Its table is (X - 1.5) 4/3 jitters for a Pareto X of shape 3 from 1 on, and ends at 4 jitters.
    return "pareto", ParetoConfig(
        delay_s, 3.0, delay_s - 2.0 * jitter_s, delay_s + 4.0 * jitter_s, correlation=correlation
    )


def _rate(said: dict[str, list[str]]) -> Iterator[StageSpec]:
    if "rate" not in said:
        if "limit" in said:
            raise ValueError('netem: "limit" needs "rate"; without a rate nothing waits here')
        return
    _take("rate", said["rate"], 1, 2, 'a rate and an overhead in bytes, for example "1mbit 20"')
    rate, *overhead = said["rate"]
    limit = said.get("limit", ["1000"])
    _take("limit", limit, 1, 1, "a number of messages")
    held = numbers.whole("limit", limit[0])
    overhead_bytes = numbers.whole("rate overhead", overhead[0]) if overhead else 0
    bytes_per_s = numbers.bytes_per_s("rate", rate)
    kept = None if held == NO_LIMIT else held
    yield "rate", _built("rate", lambda: RateConfig(bytes_per_s, overhead_bytes, kept))


def _reorder(said: dict[str, list[str]]) -> Iterator[StageSpec]:
    if "reorder" not in said:
        if "gap" in said:
            raise ValueError('netem: "gap" needs "reorder" with a percent')
        return
    if "delay" not in said:
        raise ValueError('netem: "reorder" needs "delay": it lets messages skip that')
    prob = _percent_alone("reorder", said["reorder"], _NO_CORRELATION)
    values = said.get("gap", ["1"])
    _take("gap", values, 1, 1, "a number of messages")
    gap = numbers.whole("gap", values[0])
    yield "reordering", _built("gap", lambda: ReorderingConfig(prob, gap))
