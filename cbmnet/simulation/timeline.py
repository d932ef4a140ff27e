"""The scripted timeline: each `[[at]]` of a config becomes one call at its time."""

from collections.abc import Callable
from functools import partial
from typing import Any

from cbmnet.channels.forger import FORGER_STREAM, Impostor, forge
from cbmnet.channels.link import Link, Route
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram, Label
from cbmnet.drivers.clock import Call, schedule
from cbmnet.protocols.endpoint import DATA, encode_frame
from cbmnet.simulation.endpoints import renew
from cbmnet.simulation.keys import REALM
from cbmnet.simulation.line_events import LineEvent, befall
from cbmnet.simulation.script import (
    ActivityAt,
    AttackAt,
    BulletinAt,
    ClockAt,
    CrashAt,
    ForgeryAt,
    IntentAt,
    OutageAt,
    PauseAt,
    SignalAt,
    WithholdAt,
)  # fmt: skip
from cbmnet.simulation.simulation import Simulation
from cbmnet.units import DAY_S


def plan(sim: Simulation) -> None:
    """Puts every scripted event on the clock, in the order of the file."""
    for number, event in enumerate(sim.config.at):
        act = partial(_ACTS[type(event)], sim, event, number)
        schedule(sim.env, event.time, act, _run)


def _run(event: Call) -> None:
    event.value()


def _activity(sim: Simulation, event: ActivityAt, number: int) -> None:
    state = sim.states[event.actor]
    kind = state.partners[event.toward].state.partners[event.actor].outlook.classes[event.class_]
    sim.recorder.cause = 0
    state.perform(
        event.toward, kind, event.size, noticed=event.notice, seen=event.seen, contradicted=event.contradicts
    )


def _intent(sim: Simulation, event: IntentAt, number: int) -> None:
    sim.states[event.actor].set_intent(event.toward, event.intent)


def _attack(sim: Simulation, event: AttackAt, number: int) -> None:
    sim.states[event.actor].attack(event.toward)


def _withhold(sim: Simulation, event: WithholdAt, number: int) -> None:
    sim.states[event.actor].notice_withheld_until_s = sim.env.now + event.for_


def _befall(sim: Simulation, event: LineEvent, number: int) -> None:
    befall(event, sim.env, sim.hosts, {name: partial(renew, sim, name) for name in sim.hosts})


def _signal(sim: Simulation, event: SignalAt, number: int) -> None:
    sim.recorder.cause = 0
    sim.states[event.observer].partners[event.about].outlook.signal(event.signal)


def _bulletin(sim: Simulation, event: BulletinAt, number: int) -> None:
    assert sim.monitor is not None  # the config was checked for it
    sim.recorder.cause = 0
    sim.monitor.tell(event.to, event.about, 0, event.confirms)


_FORGED: dict[str, tuple[str, dict[str, Any]]] = {
    "hostile-text": ("leader-text", {"hostile": True, "text": "an ultimatum"}),
    "reassurance": ("leader-text", {"hostile": False, "text": "there is no cause for alarm"}),
}


def _forgery(sim: Simulation, event: ForgeryAt, number: int) -> None:
    kind, payload = _FORGED[event.forges]
    guess = sim.streams.bytes("forgery", f"{event.claims}>{event.to}/{number}", 64)
    wire = forge(
        kind, payload, event.claims, event.to, Impostor(sim.signers[event.claims].kid, guess), REALM,
        number=number + 1, now_ms=round(sim.env.now * 1000), ttl_ms=round(DAY_S * 1000),
    )  # fmt: skip
    frame = encode_frame(DATA, FORGER_STREAM, number + 1, 1, wire)
    label = Label(kind, FORGER_STREAM, 0, number + 1)
    line = Route(event.claims, event.to, [Link("forger", (), sim.streams.link("forger"))])
    flight = Flight(Datagram(frame, event.to, *label), sim.env.now, line, forged=True)
    sim.recorder.cause = 0
    sim.hosts[event.to].deliver(flight)


_ACTS: dict[type, Callable[[Simulation, Any, int], None]] = {
    ActivityAt: _activity,
    IntentAt: _intent,
    AttackAt: _attack,
    WithholdAt: _withhold,
    OutageAt: _befall,
    ForgeryAt: _forgery,
    CrashAt: _befall,
    PauseAt: _befall,
    ClockAt: _befall,
    SignalAt: _signal,
    BulletinAt: _bulletin,
}
