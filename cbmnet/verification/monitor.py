"""A third party that watches and publishes: it says whether an activity is what it is said to be."""

from collections.abc import Callable
from random import Random

from cbmnet.drivers.clock import Call, Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.protocols.dialogue import Say
from cbmnet.records import Activity


class Monitor:
    """Sees a share of all activities and, after its own delay, tells the state concerned.

    `confirms_prob` is indexed by the actor's true intent. Bulletins are signed messages on the same
    lossy channels as everything else. `stream` gives a generator for each watched pair of states.
    """

    def __init__(
        self,
        env: Clock,
        host: Host,
        stream: Callable[[str], Random],
        coverage_prob: float,
        delay_s: float,
        confirms_prob: tuple[float, float],
    ) -> None:
        self._env, self._host, self._stream = env, host, stream
        self._streams: dict[str, Random] = {}
        self._coverage_prob, self._delay_s, self._confirms_prob = coverage_prob, delay_s, confirms_prob

    def saw(self, activity: Activity) -> None:
        """An activity happened; both draws are made whether or not they are needed."""
        pair = f"{activity.actor}>{activity.toward}"
        if pair not in self._streams:
            self._streams[pair] = self._stream(pair)
        random = self._streams[pair]
        covered = random.random() < self._coverage_prob
        confirms = random.random() < self._confirms_prob[activity.intent]
        if covered:
            report = (activity.toward, activity.actor, activity.activity, confirms)
            schedule(self._env, activity.at_s - self._env.now + self._delay_s, report, self._publish)

    def tell(self, to: str, actor: str, activity: int, confirms: bool) -> None:
        """Publishes one bulletin now; activity 0 is about the actor in general."""
        payload = {"activity": activity, "actor": actor, "confirms": confirms}
        self._host.command(Say(to, "bulletin", payload))

    def _publish(self, event: Call) -> None:
        self.tell(*event.value)
