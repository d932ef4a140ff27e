"""A state as a SimPy process: it acts, gives notice, is watched, and climbs or cools on the ladder.

The process waits for the earliest of its own sources (its intent and activities toward each partner, and
what its sensors report of each). Messages and deadlines come by callbacks; what is heard and asked is its
correspondence, what is thought of a partner its outlook, and whether to rise its deliberation.
"""

from collections.abc import Callable, Generator
from math import inf
from typing import Any

from simpy import Event, Interrupt, Process

from cbmnet.channels.desk import Desk
from cbmnet.datagram import Label
from cbmnet.drivers.clock import Call, Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.measures import ActivityClass, Observation
from cbmnet.protocols.dialogue import Ask, Say
from cbmnet.recorder import Recorder
from cbmnet.records import Activity, Attack, Intent, Rung, Sample
from cbmnet.states.conduct import EventSource
from cbmnet.states.correspondence import Correspondence
from cbmnet.states.evidence import RUNG_RISE
from cbmnet.states.ladder import TOP_RUNG, Ladder
from cbmnet.states.partner import Habits, Partner
from cbmnet.units import DAY_S

MISSED_WINDOW_S = DAY_S


class State:
    """One party; `partners` and `sources` are filled in while the simulation is built."""

    def __init__(
        self,
        env: Clock,
        name: str,
        habits: Habits,
        ladder: Ladder,
        desk: Desk,
        recorder: Recorder,
        *,
        start_rung: int,
        attack: Callable[[], None],
    ) -> None:
        self.env, self.name, self.habits, self.ladder, self.desk = env, name, habits, ladder, desk
        self.rung, self.rose_s = start_rung, -inf
        self.host: Host
        self.partners: dict[str, Partner] = {}
        self.sources: list[EventSource] = []
        self.watchers: list[Callable[[Activity], None]] = []
        self.notice_withheld_until_s = -inf
        self._recorder, self._attack = recorder, attack
        self._process: Process | None = None
        self.correspondence = Correspondence(env, name, habits, self.partners, self._command, recorder)

    # --- its own course -------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to live."""
        self._process = self.env.process(self._live())
        if self.habits.decides:
            schedule(self.env, self.ladder.cool_s, None, self._cool)

    def _live(self) -> Generator[Event, Any, None]:
        while True:
            source = min(self.sources, key=_due, default=None)
            if source is None or source.at_s == inf:
                wait: Event = self.env.event()
            else:
                wait = self.env.timeout(source.at_s - self.env.now)
            try:
                yield wait
            except Interrupt:
                continue  # a scripted change moved a source; look again which is next
            if source is not None:
                self._recorder.cause = 0
                source.fire()

    def set_intent(self, partner: str, intent: int) -> None:
        """A scripted change of the true intent."""
        self.partners[partner].intent.set(intent, self.env.now)
        if self._process is not None and self._process is not self.env.active_process:
            self._process.interrupt()

    def intent_changed(self, partner: str, intent: int, attacks: bool) -> None:
        """The hidden intent toward a partner switched; a preparation may have ended in an attack."""
        self._tell(Intent, self.name, partner, intent)
        if attacks:
            self.attack(partner)

    def attack(self, partner: str) -> None:
        """Attacks: the run ends; missed if the partner was not alarmed within the day before."""
        victim = self.partners[partner].state.partners[self.name]
        probability = victim.outlook.probability()
        alarmed_s = victim.deliberation.alarmed_s if victim.deliberation else -inf
        alarmed = probability > self.ladder.query_prob or self.env.now - alarmed_s <= MISSED_WINDOW_S
        self._tell(Attack, self.name, partner, probability, not alarmed)
        self._attack()

    def perform(
        self, partner: str, kind: ActivityClass, size: int, *, noticed: bool, seen: bool, contradicted: bool
    ) -> None:
        """Does something toward a partner: gives notice or not when it is due, starts after the lead."""
        self_to = self.partners[partner]
        self_to.activities += 1
        key, now, start_s = self_to.activities, self.env.now, self.env.now + kind.lead_s
        noticed = noticed and kind.notifiable and now >= self.notice_withheld_until_s
        told = (self.name, partner, key, kind.name, size, self_to.intent.intent, noticed, seen)
        cause = self._recorder.cause = self._recorder.tell(Activity, now, *told)
        if noticed:
            declared = size // 2 if contradicted else size
            start_ms = round(start_s * 1000)
            payload = {
                "activity": key, "activity_class": kind.name, "size": declared, "start_ms": start_ms,
            }  # fmt: skip
            self._command(Say(partner, "notice", payload))
        for watch in self.watchers:
            watch(Activity(start_s, 0, cause, *told))
        if seen:
            observation = Observation(self.name, key, kind.name, size, start_s)
            # After the sending, so that a notice that takes no time is there when one looks.
            schedule(self.env, kind.lead_s, (partner, observation, cause), self._is_seen)

    def say_hostile(self, partner: str) -> None:
        """Sends a leader text flagged hostile."""
        self._recorder.cause = 0
        self._command(Say(partner, "leader-text", {"hostile": True, "text": "a hostile text"}))

    def _is_seen(self, event: Call) -> None:
        partner, observation, self._recorder.cause = event.value
        self.partners[partner].state.partners[self.name].outlook.observe(observation)

    # --- the ladder -----------------------------------------------------------------------------

    def rise(self, about: str, to_rung: int | None) -> None:
        """Rises one rung, or to the rung that the activity's class leads to if that is higher."""
        after = min(TOP_RUNG, max(self.rung + 1, to_rung or 0))
        self._step_to(after, about)
        self.rose_s = self.env.now
        for partner in self.partners.values():
            partner.state.see_rise(self.name)

    def see_rise(self, partner: str) -> None:
        """A partner rose a rung; counted less if one has just risen oneself."""
        recent = self.env.now - self.rose_s <= self.habits.empathy_window_s
        self.partners[partner].outlook.signal(RUNG_RISE, 1.0 - self.habits.empathy if recent else 1.0)

    def _cool(self, event: Call | None) -> None:
        deliberations = [p.deliberation for p in self.partners.values() if p.deliberation is not None]
        for partner in self.partners.values():
            partner.outlook.update()  # what drifted upward in silence counts as well
        calm_since_s = max((d.calm_since_s for d in deliberations), default=0.0)
        wait_s = calm_since_s + self.ladder.cool_s - self.env.now
        if wait_s <= 1e-6:
            if 0 < self.rung < TOP_RUNG:
                self._step_to(self.rung - 1, "")
            for deliberation in deliberations:
                deliberation.calm_since_s = self.env.now
            wait_s = self.ladder.cool_s
        schedule(self.env, wait_s, None, self._cool)

    def _step_to(self, after: int, about: str) -> None:
        before, self.rung = self.rung, after
        intent = self.partners[about].state.partners[self.name].intent.intent if about else 0
        self._tell(Rung, self.name, about, before, after, intent)

    # --- what others ask of it ------------------------------------------------------------------

    def desk_judges(self, sender: str, label: Label) -> str | None:
        """Whether the desk passes a message on; asked by the dialogue."""
        return self.desk.judge(sender, label, self.rung)

    def sample(self) -> None:
        """Tells the belief about every partner beside the truth."""
        for name, partner in self.partners.items():
            truth = partner.state.partners[self.name].intent.intent
            outlook = partner.outlook
            self._tell(Sample, self.name, name, outlook.probability(), truth, outlook.delivery_prob())

    def _command(self, command: Say | Ask) -> None:
        self.host.command(command)

    def _tell(self, kind: type, *fields: object) -> int:
        return self._recorder.tell(kind, self.env.now, *fields)


def _due(source: EventSource) -> float:
    return source.at_s
