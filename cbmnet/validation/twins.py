"""Wrong filters, planted on purpose: the calibration case must find each of them."""

from cbmnet.measures import ActivityClass
from cbmnet.states.belief import BELIEFS
from cbmnet.states.beliefs.independent import Independent, IndependentConfig
from cbmnet.states.evidence import ALARM, Pair, World, notice_factor, seen_rate, silent_factor
from cbmnet.states.propagator import Weights
from cbmnet.states.replay import Mark

PATCHED, DEAF_TO_QUIET = "twin-patched", "twin-no-alarm-in-rate"


@BELIEFS.register(PATCHED, IndependentConfig)
class Patched(Independent):
    """Multiplies a late notice, or its absence, into the present weights instead of into its own time."""

    def activity(self, key: int, seen: ActivityClass, start_s: float, delivery_prob: float) -> None:
        """Counts the sighting at once and keeps the notice question apart."""
        self._add(start_s, seen_rate(seen))
        mark: Mark[Weights] = Mark(start_s, 0, (1.0, 1.0))
        self._await(key, mark, seen, start_s, delivery_prob)

    def notice(self, key: int, contradicted: bool, arrived_s: float) -> None:
        """The error: the factor goes to the time of arrival."""
        self._settle(arrived_s)
        mark = self._waiting.pop(key, None)
        if mark is not None and mark.activity is not None:
            self._add(arrived_s, notice_factor(mark.activity, mark.delivery_prob, contradicted))

    def probability(self, now_s: float) -> float:
        """The same error for notices that are still awaited."""
        attack = super().probability(now_s)
        benign = 1.0 - attack
        for mark in self._waiting.values():
            silent = self._factor(mark, now_s)
            benign, attack = benign * silent[0], attack * silent[1]
        return attack / (benign + attack)

    def _settle(self, now_s: float) -> None:
        over = [key for key, mark in self._waiting.items() if now_s - mark.due_s > self._settle_s]
        for key in over:
            mark = self._waiting.pop(key)
            assert mark.activity is not None
            self._add(now_s, silent_factor(mark.activity, mark.delivery_prob, 1.0))


@BELIEFS.register(DEAF_TO_QUIET, IndependentConfig)
class DeafToQuiet(Independent):
    """Forgets the sensor alarm in r(y): a quiet sensor then reassures nobody."""

    @staticmethod
    def _mark_rates(world: World) -> Pair:
        benign, attack = world.marks_per_s()
        alarm = world.signals[ALARM]
        return benign - alarm[0], attack - alarm[1]
