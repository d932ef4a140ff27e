"""Builds one run: parties, keys, endpoints and routes, from config and seed.

Everything random is named by what it decides, so the order of building, and who else is there, moves
nothing. States are built and connected in sorted order of their names.
"""

from functools import partial

from cbmnet.channels.desk import Desk, DeskConfig
from cbmnet.drivers.clock import Clock, schedule
from cbmnet.recorder import Recorder
from cbmnet.simulation import worlds
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.endpoints import make_endpoints
from cbmnet.simulation.intervene import intervene
from cbmnet.simulation.introduce import introduce
from cbmnet.simulation.simulation import Simulation
from cbmnet.states.ladder import Ladder
from cbmnet.states.partner import Habits
from cbmnet.states.state import State
from cbmnet.streams import Streams
from cbmnet.verification.monitor import Monitor

MONITOR = "monitor"
_MISS_QUANTILE = 0.99  # a heartbeat is missed once this share of the believed latency has passed


def build(config: RunConfig, seed: int, replication: int, recorder: Recorder) -> Simulation:
    """One run, built and connected, with nothing yet happened."""
    env = Clock(config.study.max_steps_at_once)
    sim = Simulation(config, env, recorder, Streams(seed, replication), env.event())
    parties = sorted(config.states)
    for name in parties:
        sim.states[name] = _make_state(sim, name)
    make_endpoints(sim, [*parties, MONITOR] if config.monitor else parties)
    for name in parties:
        for other in parties:
            if other != name:
                introduce(sim, name, other)
    if config.monitor:
        _watch(sim)
    intervene(sim)
    return sim


def _make_state(sim: Simulation, name: str) -> State:
    config, part = sim.config, sim.config.states[name]
    dialogue, ladder = config.dialogue, config.ladder
    habits = Habits(
        worlds.answers(dialogue), dialogue.queries, part.decides, dialogue.answer_deadline, part.memory,
        part.empathy, part.empathy_window,
    )  # fmt: skip
    clerk = DeskConfig(part.desk.forwards, part.desk.refusal, part.desk.refusal_per_rung)
    desk = Desk(clerk, lambda sender: sim.streams.link(f"desk/{name}<{sender}"))
    rungs = Ladder(ladder.query, ladder.rise, ladder.deadline, ladder.cool)
    return State(sim.env, name, habits, rungs, desk, sim.recorder, start_rung=part.start_rung, attack=sim.end)


def _watch(sim: Simulation) -> None:
    part = sim.config.monitor
    assert part is not None
    monitor = sim.monitor = Monitor(
        sim.env, sim.hosts[MONITOR], partial(sim.streams.generator, "bulletins"), part.coverage, part.delay,
        worlds.pair(part.confirms),
    )  # fmt: skip
    for state in sim.states.values():
        state.watchers.append(monitor.saw)


def start(sim: Simulation) -> None:
    """Starts states and hosts, and plans the end of the run."""
    for host in sim.hosts.values():
        host.pump()
    for state in sim.states.values():
        state.start()
    schedule(sim.env, sim.config.study.horizon, None, lambda _: sim.end())
