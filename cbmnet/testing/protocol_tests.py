"""`@protocol_test`: one test, many schedules of faults; a failing one is shrunk, saved and shown.

The function is given a network after its run, and asserts what must be true of it. It is run without faults
first: what fails then is shown as it is, an error of the test or of the protocol that no schedule explains.
Then comes each saved schedule of the corpus, then each seed. Under pytest the plugin gives the number of
seeds and the corpus (`--cbmnet-seeds`, `--cbmnet-corpus`); without pytest, `check` runs the same.
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from traceback import extract_tb
from typing import Any

from cbmnet.channels.fault_lists import ImpossibleError, write_faults
from cbmnet.channels.faults import Fault, LinkFault
from cbmnet.recorder import Journal, Observer
from cbmnet.records import RECORDS, Wire
from cbmnet.testing import replay_file
from cbmnet.testing.network import EndpointNetwork
from cbmnet.testing.replay_file import Replay
from cbmnet.testing.risk import Damage, Risk
from cbmnet.testing.shrinking import shrink

SEEDS = 20
MAX_STEPS = 20_000  # fewer than a network's own: a test that never falls silent is run some thirty times
CORPUS = "corpus"
Body = Callable[[Any], None]


class ProtocolTestError(AssertionError):
    """A schedule under which a protocol test fails: shrunk, and saved where there is a corpus."""

    def __init__(self, replay: Replay, file: Path | None, runs: int, found: int) -> None:
        self.replay, self.file = replay, file
        lines = [
            f"{replay.test}: seed {replay.seed} fails: {replay.failure}",
            f"{found} fault{'s' * (found != 1)}, shrunk to {len(replay.faults)} in {runs} runs:",
            write_faults(replay.faults).rstrip(),
        ]
        if file is not None:
            lines.append(f"again: cbmnet replay {file}")
        super().__init__("\n".join(lines))


@dataclass(frozen=True)
class ProtocolTest:
    """What a decorated test is: how to make a network, what to send, what to ask of it afterwards."""

    make: Callable[..., EndpointNetwork]
    body: Body
    script: Callable[[EndpointNetwork], None]
    risk: Risk = field(default_factory=Risk)
    max_steps: int = MAX_STEPS
    name: str = ""

    def run(self, faults: tuple[Fault, ...], observers: Sequence[Observer] = ()) -> EndpointNetwork:
        """One run under a schedule; raises what the test raises."""
        __tracebackhide__ = True
        network = self.make(faults=faults, observers=observers)
        self._go(network)
        return network

    def fails(self, faults: tuple[Fault, ...]) -> bool:
        """Whether it fails under the schedule."""
        return self.failure(faults) is not None

    def failure(self, faults: tuple[Fault, ...]) -> BaseException | None:
        """How it fails under the schedule, or None; ImpossibleError if it cannot happen here."""
        try:
            self.run(faults)
        except failures() as error:
            return error
        return None

    def explore(self, seed: int) -> tuple[tuple[LinkFault, ...], BaseException | None]:
        """One run with faults at random; the list of them, and how it failed."""
        network, found = self.make(), list[LinkFault]()
        for host in network.hosts.values():
            for route in host.routes():
                link = f"{route.source}>{route.target}"
                route.after.append(Damage(self.risk, seed, link, found.append))
        try:
            self._go(network)
        except failures() as error:
            return tuple(found), error
        return tuple(found), None

    def check(self, seeds: int = SEEDS, corpus: Path | None = None, first_seed: int = 0) -> int:
        """Every saved schedule, then every seed; how many schedules were run.

        Raises ProtocolTestError; what fails without any fault is raised as it is. ConfigError for a file of
        the corpus that is none, or whose faults cannot happen in this network.
        """
        __tracebackhide__ = True
        try:
            first = self._told(())
        except failures() as unprovoked:
            unprovoked.add_note(f"{self.name} fails without any fault; no schedule was tried.")
            raise
        self._expect_the_same((), first)
        count = 0
        for file, replay in replay_file.saved(corpus, self.name) if corpus else ():
            count += 1
            failed = self.failure(replay.faults)
            if isinstance(failed, ImpossibleError):
                raise replay_file.in_file(failed, file) from None
            if failed is not None:
                told = Replay(self.name, replay.seed, said_by(failed), replay.faults)
                raise ProtocolTestError(told, file, 1, len(replay.faults)) from None
        for seed in range(first_seed, first_seed + seeds):
            count += 1
            faults, error = self.explore(seed)
            if error is not None:
                raise self._shrunk(seed, faults, error, corpus) from None
        return count

    def _shrunk(
        self, seed: int, faults: tuple[LinkFault, ...], error: BaseException, corpus: Path | None
    ) -> ProtocolTestError:
        again = self.failure(faults)
        if again is None or _kind(again) != _kind(error):
            # The list repeats what was drawn; if it does not fail, the test depends on something else.
            raise AssertionError(
                f"{self.name}: seed {seed} fails ({said_by(error)}), its list of faults does not: "
                "the endpoints are not deterministic or share state between runs, or a fault of the list "
                "fits several datagrams, as where a party begins its numbers anew after a crash"
            ) from error
        kind = _kind(error)
        smallest = shrink(faults, lambda some: (e := self.failure(some)) is not None and _kind(e) == kind)
        last = self.failure(smallest.faults)
        self._expect_the_same(smallest.faults, self._told(smallest.faults, fails=True))
        assert last is not None
        replay = Replay(self.name, seed, said_by(last), smallest.faults)
        file = replay_file.save(replay, corpus) if corpus else None
        return ProtocolTestError(replay, file, smallest.runs, len(faults))

    def _told(self, faults: tuple[Fault, ...], *, fails: bool = False) -> list[Any]:
        """Every record of a run under the schedule; raises what the test raises, unless it `fails`."""
        __tracebackhide__ = True
        journal = Journal((*RECORDS, Wire))
        try:
            self.run(faults, [journal])
        except failures():
            if not fails:
                raise
        return journal.records

    def _expect_the_same(self, faults: tuple[Fault, ...], told: list[Any]) -> None:
        """AssertionError unless a further run tells the same: what is found would not be found again."""
        __tracebackhide__ = True
        again = self._told(faults, fails=True)
        pairs = enumerate(zip_longest(told, again))
        if (number := next((n for n, (one, other) in pairs if one != other), None)) is not None:
            one, other = (
                records[number] if number < len(records) else "its end" for records in (told, again)
            )
            which = "under one schedule" if faults else "without faults"
            raise AssertionError(
                f"{self.name}: two runs {which} differ, first in {one} and {other}: the endpoints are not "
                "deterministic (draw at random, read a clock, go through a set) or share state between runs"
            )

    def _go(self, network: EndpointNetwork) -> None:
        __tracebackhide__ = True
        self.script(network)
        network.drive(self.max_steps)
        self.body(network)


def protocol_test(
    make: Callable[..., EndpointNetwork],
    *,
    messages: int = 6,
    every_s: float = 0.0,
    script: Callable[[EndpointNetwork], None] | None = None,
    risk: Risk | None = None,
    max_steps: int = MAX_STEPS,
) -> Callable[[Body], Callable[..., None]]:
    """Decorator: the function checks a network after its run, under many schedules of faults.

    `make` makes the network and hands on the options that it is given (`def pair(**options)`). Without a
    `script`, the first party sends the second so many `messages`, all at once or one every `every_s`. A run
    that is still busy after `max_steps` instants has failed.
    """

    def decorate(body: Body) -> Callable[..., None]:
        if "." in body.__qualname__.rpartition("<locals>.")[2]:
            raise TypeError(f"{body.__qualname__}: a protocol test is a function, not a method")
        _check_maker(make)
        file = Path(inspect.getfile(body))
        test = ProtocolTest(
            make, body, script or _messages(messages, every_s), risk or Risk(), max_steps,
            f"{file.name}::{body.__name__}",
        )  # fmt: skip

        def run(cbmnet_options: Any) -> None:
            __tracebackhide__ = True  # what pytest shows is the schedule, not how it was found
            test.check(cbmnet_options.seeds, cbmnet_options.corpus_beside(file))

        run.__name__, run.__doc__, run.__module__ = body.__name__, body.__doc__, body.__module__
        run.__qualname__ = body.__qualname__
        run.protocol_test = test  # type: ignore[attr-defined]
        return run

    return decorate


def _check_maker(make: Callable[..., EndpointNetwork]) -> None:
    try:
        inspect.signature(make).bind(faults=(), observers=())
    except ValueError:  # a callable that does not tell what it takes
        return
    except TypeError:
        name = getattr(make, "__name__", repr(make))
        said = "as in `def pair(**options): return EndpointPair(..., **options)`"
        raise TypeError(f"{name}: must take the options of a network and hand them on, {said}") from None


def _messages(count: int, every_s: float) -> Callable[[EndpointNetwork], None]:
    def script(network: EndpointNetwork) -> None:
        source, target = list(network.hosts)[:2]
        for number in range(count):
            network.at(number * every_s, lambda: network.send(source, target))

    return script


def failures() -> tuple[type[BaseException], ...]:
    """What counts as a failing test: exceptions, and pytest's own way of failing one."""
    pytest = sys.modules.get("pytest")
    return (Exception, pytest.fail.Exception) if pytest else (Exception,)


def _kind(error: BaseException) -> tuple[str, str]:
    """What makes two failures the same to a shrinker: their type, and the invariant if it is one."""
    return type(error).__name__, getattr(error, "invariant", "")


def said_by(error: BaseException) -> str:
    """A failure in one line: its type and what it says; of a bare `assert` its line in the test."""
    name, text = type(error).__name__, str(error).strip().splitlines()
    if text:
        return f"{name}: {text[0]}"
    frames = extract_tb(error.__traceback__)
    if not frames:
        return name
    return f"{name}: {frames[-1].line} ({Path(frames[-1].filename).name}:{frames[-1].lineno})"
