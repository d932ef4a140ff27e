"""A state's own analyst: authenticity, freshness and order of a message; consistency of a notice.

Strict verification runs every step of the signed-message verifier. Naive verification skips the
signature and signer checks only, as the usual call-back was reportedly skipped in 2008.
"""

from collections.abc import Callable

from cbmnet.measures import Notice, Observation, Verdict
from cbmnet.messages import Accepted, SignedMessageError, Verifier

FORGER_CODES = frozenset({"UnknownKey", "BadSignature", "SignerNotAllowed"})
# A declared size may be short of what is seen by a quarter before it counts as a contradiction.
SIZE_TOLERANCE = 1.25


class VerificationAgent:
    """Judges bytes and notices for one state; `forgeries_flagged` counts what smelt of a forger."""

    def __init__(self, verifier: Verifier) -> None:
        self.verifier = verifier
        self.forgeries_flagged = 0

    def judge(self, wire: bytes, now_ms: int) -> Accepted:
        """The accepted message; raises SignedMessageError with its stable code otherwise."""
        try:
            return self.verifier.accept(wire, now_ms)
        except SignedMessageError as error:
            if error.code in FORGER_CODES:
                self.forgeries_flagged += 1
            raise

    @staticmethod
    def assess(notice: Notice, observation: Observation | None) -> tuple[Verdict, str]:
        """Whether a notice agrees with what was seen of its activity, and the reason."""
        if observation is None:
            return Verdict.UNSEEN, "nothing was seen of it"
        for reason, contradicts in _CHECKS:
            if contradicts(notice, observation):
                return Verdict.CONTRADICTED, reason
        return Verdict.CONSISTENT, "class, size and start agree"


_Check = Callable[[Notice, Observation], bool]
_CHECKS: tuple[tuple[str, _Check], ...] = (
    ("another class was declared", lambda n, o: n.activity_class != o.activity_class),
    ("larger than declared", lambda n, o: o.size > SIZE_TOLERANCE * n.size),
    ("started before the declared time", lambda n, o: o.start_s < n.start_s - 1.0),
)
