"""The retransmission timeout of RFC 6298 (Computing TCP's Retransmission Timer, June 2011)."""

from dataclasses import dataclass
from math import inf

_ALPHA, _BETA, _K = 1 / 8, 1 / 4, 4  # section 2.3


@dataclass(frozen=True)
class RoundTripConfig:
    """First timeout, its bounds, and the granularity G of the timer, all in seconds."""

    initial_rto_s: float = 1.0  # section 2.1
    min_rto_s: float = 1.0  # section 2.4
    max_rto_s: float = 86400.0  # section 2.5 allows any from 60 s; hotlines have round trips of hours
    granularity_s: float = 0.1  # section 4: 100 ms or finer does somewhat better than a coarse timer

    def __post_init__(self) -> None:
        if not 0.0 < self.min_rto_s <= self.initial_rto_s <= self.max_rto_s:
            raise ValueError("needs 0 < min_rto <= initial_rto <= max_rto")
        if not self.granularity_s > 0.0:
            raise ValueError(
                "needs granularity longer than 0, else a steady line times out at its round trip"
            )


class RoundTrip:
    """SRTT, RTTVAR and RTO of one peer; both averages are None before the first measurement."""

    __slots__ = ("_backed_off_s", "_config", "rto_s", "rttvar_s", "srtt_s")

    def __init__(self, config: RoundTripConfig) -> None:
        self._config = config
        self.srtt_s: float | None = None
        self.rttvar_s: float | None = None
        self.rto_s = config.initial_rto_s
        self._backed_off_s = -inf

    def measured(self, rtt_s: float) -> None:
        """Takes one round trip; this also ends any backing off (section 5, after rule 5.7).

        One below 0, over which the clock was set back, measures nothing.
        """
        if rtt_s < 0.0:
            return
        if self.srtt_s is None or self.rttvar_s is None:  # section 2.2
            self.srtt_s, self.rttvar_s = rtt_s, rtt_s / 2
        else:  # section 2.3: RTTVAR first, with the SRTT before this measurement
            self.rttvar_s = (1 - _BETA) * self.rttvar_s + _BETA * abs(self.srtt_s - rtt_s)
            self.srtt_s = (1 - _ALPHA) * self.srtt_s + _ALPHA * rtt_s
        config = self._config
        rto_s = self.srtt_s + max(config.granularity_s, _K * self.rttvar_s)
        self.rto_s = min(max(rto_s, config.min_rto_s), config.max_rto_s)  # sections 2.4 and 2.5

    def timed_out(self, sent_s: float, now: float) -> None:
        """Backs off (section 5.5), to the maximum at most (section 2.5), if what timed out left since then.

        Several streams share this estimate; what they sent together tells of one silence, not of several.
        """
        if sent_s >= self._backed_off_s or now < self._backed_off_s:  # the latter: the clock was set back
            self.rto_s = min(2 * self.rto_s, self._config.max_rto_s)
            self._backed_off_s = now
