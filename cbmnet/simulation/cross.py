"""What one part of a config says of another that is not so: names, times, what needs what."""

from typing import TYPE_CHECKING, Any

from cbmnet.simulation.script import ActivityAt, BulletinAt
from cbmnet.simulation.words import Problem

if TYPE_CHECKING:
    from cbmnet.simulation.config import RunConfig


def cross_faults(config: "RunConfig") -> list[Problem]:
    """What one part of the config says of another that is not so: names, times, what needs what."""
    states = set(config.states)
    pairs = {f"{a}>{b}" for a in states for b in states if a != b}
    faults = [
        Problem(
            ("channels", key), f'no such link; write "from>to" with two of {_listed(states)}', shows=False
        )
        for key in config.channels
        if key not in pairs
    ]
    if config.heartbeat.period == "off":
        faults += [
            Problem(
                ("states", name, "believed_delivery"), "needs heartbeats; set heartbeat.period", "learned"
            )
            for name, state in config.states.items()
            if state.believed_delivery == "learned"
        ]
    for number, event in enumerate(config.at):
        faults += _event_faults(event, config, states, ("at", number, event.event))
    return faults


def _event_faults(
    event: Any, config: "RunConfig", states: set[str], at: tuple[str | int, ...]
) -> list[Problem]:
    named = {
        key.rstrip("_"): getattr(event, key)
        for key in ("actor", "toward", "from_", "to", "claims", "party", "observer", "about")
        if hasattr(event, key)
    }
    there = _listed(states)
    faults = [
        Problem((*at, key), f"no such state; there are {there}", name)
        for key, name in named.items()
        if name not in states
    ]
    if isinstance(event, ActivityAt) and event.class_ not in config.activities:
        classes = _listed(set(config.activities))
        faults.append(Problem((*at, "class"), f"no such activity; there are {classes}", event.class_))
    if len(set(named.values())) < len(named):
        faults.append(Problem(at, "names the same state twice", shows=False))
    if event.time > config.study.horizon:
        faults.append(Problem((*at, "time"), "is after study.horizon", shows=False))
    if isinstance(event, BulletinAt) and config.monitor is None:
        faults.append(Problem(at, "a bulletin needs a [monitor] to publish it", shows=False))
    return faults


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
