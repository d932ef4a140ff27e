"""What one part of a config says of another that is not so: names, times, what needs what."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from cbmnet.channels.adversary import base_kind
from cbmnet.channels.delay import DelayOptions
from cbmnet.channels.fault_lists import impossible
from cbmnet.channels.faults import Node, SetClock
from cbmnet.channels.stage import STAGES
from cbmnet.channels.stages.misrouting import MisroutingConfig
from cbmnet.channels.stages.partition import PartitionConfig
from cbmnet.channels.stages.scheduled_outage import ScheduledOutageConfig
from cbmnet.channels.stages.up_down import UpDownConfig
from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.protocols.frame import KINDS as FRAME_KINDS
from cbmnet.simulation.keys import KINDS
from cbmnet.simulation.script import ActivityAt, BulletinAt, ClockAt
from cbmnet.simulation.words import Problem
from cbmnet.units import format_duration

if TYPE_CHECKING:
    from cbmnet.simulation.config import RunConfig, StatePart

StateFaults = Callable[["RunConfig", "StatePart"], Iterator[Problem]]
MONITOR = "monitor"
MAX_OUTAGES = 10_000_000  # of one line in one run: every switch is kept
MAX_SAMPLES = 1_000_000  # of one belief in one run; a run of 30 days at 6 hours has 120


def cross_faults(config: "RunConfig") -> list[Problem]:
    """What one part of the config says of another that is not so: names, times, what needs what."""
    states = set(config.states)
    faults = [*_name_faults(config, states), *_time_faults(config)]
    for state_faults in (_delivery_faults, _latency_faults, _tempering_faults):
        faults += _where_states_say(config, state_faults)
    faults += _shared_faults(config)
    faults += _stage_faults(config, states)
    faults += _intervention_faults(config, states)
    faults += _clock_faults(config)
    for number, event in enumerate(config.at):
        faults += _event_faults(event, config, states, ("at", number, event.event))
    return faults


def _name_faults(config: "RunConfig", states: set[str]) -> Iterator[Problem]:
    if MONITOR in states:
        said = "is the name of the third party of [monitor]; give the state another"
        yield Problem(("states", MONITOR), said, shows=False)
    parties = states | ({MONITOR} if config.monitor else set())
    pairs = {f"{a}>{b}" for a in parties for b in parties if a != b}
    for key in config.channels:
        if key not in pairs:
            said = f'no such link; write "from>to" with two of {_listed(parties)}'
            yield Problem(("channels", key), said, shows=False)


def _intervention_faults(config: "RunConfig", states: set[str]) -> Iterator[Problem]:
    """Schedules that cannot happen, and adversaries that see or hold what is not there."""
    yield from _kind_faults(config)
    parties = sorted(states | ({MONITOR} if config.monitor else set()))
    schedule = [part.fault() for part in config.faults]
    for number, text in impossible(schedule, links_of(config, parties), parties, config.study.horizon):
        key, _, said = text.partition(": ")
        if key.startswith("at.time_s") and isinstance(at := schedule[number].at, Node):
            key = f'at.time = "{format_duration(at.time_s)}"'  # a study says its times with their units
            said = f"after the end, {format_duration(config.study.horizon)}"
        yield Problem(("faults", number), f"{key}: {said}", shows=False)
    for number, rule in enumerate(config.adversary):
        for name in rule.sees:
            if not rule.model_copy(update={"sees": (name,)}).links(parties):
                said = f"no such link or party; there are {_listed(set(parties))}"
                yield Problem(("adversary", number, "sees"), said, name)
        for name in sorted(set(rule.keys) - set(parties)):
            yield Problem(
                ("adversary", number, "keys"), f"no such party; there are {', '.join(parties)}", name
            )
    variant: Any = config.protocol.config
    if (via := getattr(variant, "via", "")) and via not in states:
        yield Problem(("protocol", "via"), f"no such state; there are {_listed(states)}", via)
    if config.protocol.name == "k-of-n":
        yield from _route_faults(config, variant.n)


def _shared_faults(config: "RunConfig") -> Iterator[Problem]:
    """Links that name the same shared outage, or jammer, with other times: they would not go together."""
    first: dict[tuple[str, str], object] = {}
    for path, stage in _stages(config):
        name = getattr(stage.config, "shared", "")
        if not name:
            continue
        # What happens on the line is the times' business; what becomes of a message is each link's own.
        same = {"hold": False, "loss_prob": 1.0}
        own = {key: value for key, value in same.items() if hasattr(stage.config, key)}
        times = replace(stage.config, **own)
        if first.setdefault((stage.name, name), times) != times:
            said = f'"{name}" has other times on another link; what is shared has the same everywhere'
            yield Problem((*path, "shared"), said, shows=False)


def _stage_faults(config: "RunConfig", states: set[str]) -> Iterator[Problem]:
    """Stages for parties that are not there, or for a time after the end: they would do nothing, silently."""
    parties = states | ({MONITOR} if config.monitor else set())
    horizon_s = config.study.horizon
    starts: list[tuple[tuple[str | int, ...], float]]
    starts = [(("adversary", number, "from"), rule.from_) for number, rule in enumerate(config.adversary)]
    for path, stage in _stages(config):
        made, key, names = stage.config, "groups", set[str]()
        if isinstance(made, PartitionConfig):
            names = {name for group in made.groups for name in group}
            starts.append(((*path, "start"), made.start_s))
        elif isinstance(made, UpDownConfig) and horizon_s / (made.mtbf_s + made.mttr_s) > MAX_OUTAGES:
            yield Problem((*path, "mtbf"), f"with mttr makes more than {MAX_OUTAGES} outages", shows=False)
        elif isinstance(made, MisroutingConfig):
            key, names = "to", set(made.to)
        elif isinstance(made, ScheduledOutageConfig):
            starts += [((*path, "windows"), start_s) for start_s, _ in made.windows_s]
        for name in sorted(names - parties):
            yield Problem((*path, key), f"no such party; there are {_listed(parties)}", name)
    for where, start_s in starts:
        if start_s >= horizon_s:
            said = f"after the end, {format_duration(horizon_s)}; it would never begin"
            yield Problem(where, said, format_duration(start_s))


def _clock_faults(config: "RunConfig") -> Iterator[Problem]:
    """Clocks that are set to a time before the start of the run, which no message can bear."""
    sets = [
        (event.time, event.party, event.ahead - event.behind, event.gains, ("at", number, "clock", "behind"))
        for number, event in enumerate(config.at)
        if isinstance(event, ClockAt)
    ]
    for number, part in enumerate(config.faults):
        if isinstance(fault := part.fault(), SetClock):
            where = ("faults", number, "set-clock", "behind")
            sets.append((fault.at.time_s, fault.at.node, fault.offset_s, fault.drift, where))
    shown: dict[str, tuple[float, float, float]] = {}  # own time at a true time, and the pace from then on
    for time_s, party, offset_s, gains, where in sorted(sets, key=itemgetter(0)):
        own_s, at_s, pace = shown.get(party, (0.0, 0.0, 1.0))
        own_s += (time_s - at_s) * pace + offset_s
        shown[party] = own_s, time_s, 1.0 + gains
        if own_s < -0.0005:  # half a millisecond: a message says whole ones
            said = f"sets the clock of {party} to {format_duration(-own_s)} before the start of the run"
            yield Problem(where, said, shows=False)


def _stages(config: "RunConfig") -> Iterator[tuple[tuple[str | int, ...], Any]]:
    channels: list[tuple[tuple[str | int, ...], Any]] = [(("channel",), config.channel)]
    channels += [(("channels", key), channel) for key, channel in config.channels.items()]
    for path, channel in channels:
        for number, stage in enumerate(channel.stages):
            yield (*path, "stages", number), stage
        for hop, part in enumerate(channel.hop):
            for number, stage in enumerate(part.stages):
                yield (*path, "hop", hop, "stages", number), stage


def _kind_faults(config: "RunConfig") -> Iterator[Problem]:
    """Kinds of message that nobody sends: a fault or a rule for them would never meet one.

    A variant from elsewhere may have kinds of its own; a fault that meets none then says so after the run.
    """
    if not VARIANTS[config.protocol.name].make.__module__.startswith("cbmnet."):
        return
    known = {*KINDS, *FRAME_KINDS, "relayed"}
    said = f"no such kind of message; there are {_listed(known - {'data'})}"
    for number, part in enumerate(config.faults):
        kind = getattr(part.at, "kind", None)
        if kind is not None and base_kind(kind) not in known:
            yield Problem(("faults", number, part.do, "at", "kind"), said, kind)
    for number, rule in enumerate(config.adversary):
        for kind in rule.kinds:
            if base_kind(kind) not in known:
                yield Problem(("adversary", number, "kinds"), said, kind)


def links_of(config: "RunConfig", parties: list[str]) -> list[str]:
    """The names of all links, as a fault names them; with several routes one for each."""
    found = []
    for a, b in [(a, b) for a in parties for b in parties if a != b]:
        routes = config.channels.get(f"{a}>{b}", config.channel).routes
        found += [f"{a}>{b}", *(f"{a}@{k}>{b}@{k}" for k in range(1, routes))]
    return found


def _route_faults(config: "RunConfig", needed: int) -> Iterator[Problem]:
    channels = {("channel",): config.channel} | {("channels", k): c for k, c in config.channels.items()}
    for path, channel in channels.items():
        if channel.routes < needed:
            said = f"k-of-n sends by {needed} routes, so there must be at least {needed}"
            yield Problem((*path, "routes"), said, channel.routes)


def _time_faults(config: "RunConfig") -> Iterator[Problem]:
    study, period_s = config.study, config.heartbeat.period
    if study.sample_every > study.horizon:
        said = (
            f"is {format_duration(study.sample_every)}, longer than study.horizon; no belief would be sampled"
        )
        yield Problem(("study", "sample_every"), said, shows=False)
    elif study.horizon / study.sample_every > MAX_SAMPLES:
        said = f"makes more than {MAX_SAMPLES} samples of each belief"
        yield Problem(("study", "sample_every"), said, shows=False)
    learns = any(state.believed_delivery == "learned" for state in config.states.values())
    if learns and period_s != "off" and period_s > study.horizon:
        said = 'is longer than study.horizon; nothing would teach a believed_delivery that is "learned"'
        yield Problem(("heartbeat", "period"), said, shows=False)


def _where_states_say(config: "RunConfig", faults_of: StateFaults) -> Iterator[Problem]:
    """The faults of every state; those of `[state]`, which was filled into them, at its own place too."""
    found = [
        Problem(("states", name, *fault.path), fault.message, fault.value, fault.shows)
        for name, state in config.states.items()
        for fault in faults_of(config, state)
    ]
    if found:
        for fault in faults_of(config, config.state):
            yield Problem(("state", *fault.path), fault.message, fault.value, fault.shows)
    yield from found


def _delivery_faults(config: "RunConfig", state: "StatePart") -> Iterator[Problem]:
    if state.believed_delivery == "learned" and config.heartbeat.period == "off":
        yield Problem(("believed_delivery",), "needs heartbeats; set heartbeat.period", "learned")


def _latency_faults(config: "RunConfig", state: "StatePart") -> Iterator[Problem]:
    if state.believed_latency == "configured":
        return
    delays = [name for name in STAGES.names() if issubclass(STAGES[name].config, DelayOptions)]
    if state.believed_latency.name not in delays:
        said = f"must be a stage that delays: {', '.join(delays)}"
        yield Problem(("believed_latency",), said, state.believed_latency.name)


def _tempering_faults(config: "RunConfig", state: "StatePart") -> Iterator[Problem]:
    tempering = getattr(state.belief.config, "tempering", 0.0)
    if tempering < 0.0:
        yield Problem(("belief", "tempering"), "must be at least 0", tempering)


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
    elif isinstance(event, ActivityAt) and config.activities[event.class_].rate == 0.0:
        said = f"activities.{event.class_}.rate is 0, so seeing it weighs nothing; give it a rate above 0"
        faults.append(Problem((*at, "class"), said, event.class_))
    if len(set(named.values())) < len(named):
        faults.append(Problem(at, "names the same state twice", shows=False))
    if event.time > config.study.horizon:
        faults.append(Problem((*at, "time"), "is after study.horizon", shows=False))
    if isinstance(event, BulletinAt) and config.monitor is None:
        faults.append(Problem(at, "a bulletin needs a [monitor] to publish it", shows=False))
    return faults


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
