"""Runs one replication: build, start, go on to the horizon or an attack, ask the observers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from cbmnet.drivers.clock import schedule
from cbmnet.errors import CbmnetError, SimulationError, Stopped, described
from cbmnet.recorder import Recorder
from cbmnet.simulation.build import build, start
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.invariant import watches
from cbmnet.simulation.simulation import Simulation
from cbmnet.simulation.timeline import plan


class RunObserver(Protocol):
    """An observer of a whole run: started with what it needs to know, fed records, asked at the end."""

    wants: tuple[type, ...]

    def start(self, facts: "Facts") -> None:
        """The run begins."""

    def feed(self, record: Any) -> None:
        """Takes one record."""

    def result(self, ended_s: float) -> Any:
        """What was seen, at the end of the run."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an observer may know of a run before it begins."""

    config: RunConfig
    seed: int
    replication: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What the message layer really did: seals, envelopes, full verifications, by the parties' own count."""

    sealed: int
    verified: int
    forgeries_flagged: int
    ended_s: float


def run(config: RunConfig, seed: int, replication: int, observers: Sequence[RunObserver] = ()) -> Tally:
    """One replication; observers are left holding their results. SimulationError names where it failed."""
    facts = Facts(config, seed, replication)
    watching = watches((chosen.name, chosen.config) for chosen in config.study.invariants)
    observers = [*watching, *observers]
    for observer in observers:
        observer.start(facts)
    recorder = Recorder(observers)
    where = f"{config.name}, seed {seed}, run {replication}"
    with _placed(lambda: f"{where}, before it begins"):
        simulation = build(config, seed, replication, recorder)
    with _placed(lambda: f"{where}, {simulation.env.now:.3f} s"):
        start(simulation)
        plan(simulation)
        _sample(simulation)
        simulation.env.run(until=simulation.over)
        for watch in watching:
            watch.result(simulation.env.now)
    lives = [
        *zip(simulation.dialogues.values(), simulation.agents.values(), strict=True),
        *simulation.retired,
    ]
    return Tally(
        sum(dialogue.sealed for dialogue, _ in lives),
        sum(agent.verifier.verified for _, agent in lives),
        sum(agent.forgeries_flagged for _, agent in lives),
        simulation.env.now,
    )


@contextmanager
def _placed(where: Callable[[], str]) -> Iterator[None]:
    """What goes wrong is a SimulationError that says where; so is an exit that somebody's code asks for."""
    try:
        yield
    except CbmnetError as error:
        raise SimulationError(f"{where()}: {error}") from error
    except Stopped:
        raise
    except SystemExit as error:
        said = f"a variant, a stage or an observer ends the program ({described(error)})"
        raise SimulationError(f"{where()}: {said}") from error


def _sample(simulation: Simulation) -> None:
    """Samples every belief on a fixed grid, from one step after the start to the horizon."""
    step_s = simulation.config.study.sample_every
    env = simulation.env

    def look(_: Any) -> None:
        simulation.recorder.cause = 0
        for state in simulation.states.values():
            state.sample()
        schedule(env, step_s, None, look)

    schedule(env, step_s, None, look)
