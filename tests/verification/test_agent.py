"""A state's own analyst: what it flags, what naive verification lets pass, how it reads a notice."""

import msgpack
import pytest

from cbmnet.measures import Notice, Observation, Verdict
from cbmnet.messages import SignedMessageError, TrustStore
from cbmnet.verification.agent import VerificationAgent
from cbmnet.verification.naive import NaiveVerifier

from ..messages.parties import ALICE, BOB, EVE, NOW_MS, REALM, entry, sealed, verifier

STORE = (entry(ALICE, "alice"), entry(BOB, "bob", "east"))


def strict() -> VerificationAgent:
    return VerificationAgent(verifier(*STORE))


def naive() -> VerificationAgent:
    return VerificationAgent(NaiveVerifier("south", REALM, TrustStore(STORE)))


def with_signature(wire: bytes, signature: bytes) -> bytes:
    version, ptype, body, ((kid, _),) = msgpack.unpackb(wire)
    packed: bytes = msgpack.packb([version, ptype, body, [[kid, signature]]])
    return packed


def code(agent: VerificationAgent, wire: bytes, now_ms: int = NOW_MS) -> str | None:
    """The code it refuses with, or None if it accepts."""
    try:
        agent.judge(wire, now_ms)
    except SignedMessageError as error:
        return str(error.code)
    return None


GOOD = sealed().wire
FORGED = {
    "BadSignature": with_signature(GOOD, bytes(64)),
    "UnknownKey": sealed(EVE).wire,
    "SignerNotAllowed": sealed(BOB).wire,
}
HONEST_FAULTS = {
    "Expired": (sealed(issued_ms=NOW_MS - 9_000_000, expires_ms=NOW_MS - 8_000_000).wire, NOW_MS),
    "NotReceiver": (sealed(receivers=("west",)).wire, NOW_MS),
    "FromFuture": (GOOD, NOW_MS - 9_000_000),
    "Malformed": (b"junk", NOW_MS),
}


@pytest.mark.parametrize("reason", sorted(FORGED))
def test_strict_verification_refuses_and_flags_what_smells_of_a_forger(reason: str) -> None:
    """A wrong signature, an unknown key, and another party's key each count as a forgery."""
    agent = strict()
    assert code(agent, FORGED[reason]) == reason
    assert agent.forgeries_flagged == 1
    assert code(agent, GOOD) is None
    assert agent.forgeries_flagged == 1


@pytest.mark.parametrize("reason", sorted(HONEST_FAULTS))
def test_what_is_late_or_astray_is_refused_but_no_forgery(reason: str) -> None:
    """A message refused for its time, its receiver or its encoding flags nobody."""
    agent = strict()
    assert code(agent, *HONEST_FAULTS[reason]) is not None
    assert agent.forgeries_flagged == 0


@pytest.mark.parametrize("reason", sorted(FORGED))
def test_naive_verification_takes_the_name_for_the_sender(reason: str) -> None:
    """What strict verification calls a forgery is accepted, and nothing is flagged."""
    agent = naive()
    assert code(agent, FORGED[reason]) is None
    assert agent.forgeries_flagged == 0


@pytest.mark.parametrize("reason", sorted(HONEST_FAULTS))
def test_naive_verification_still_checks_everything_else(reason: str) -> None:
    """Time, receiver and encoding are refused with the code that strict verification has for them."""
    assert code(naive(), *HONEST_FAULTS[reason]) == code(strict(), *HONEST_FAULTS[reason]) is not None


@pytest.mark.parametrize("agent", [strict, naive])
def test_a_replay_is_refused_by_both(agent: type[VerificationAgent]) -> None:
    """The same bytes again, and the same message in another envelope."""
    judge = agent()
    assert code(judge, GOOD) is None
    assert code(judge, GOOD) == "Duplicate"
    if agent is naive:
        assert code(judge, with_signature(GOOD, bytes(64))) == "Replayed"
    assert judge.forgeries_flagged == 0


SEEN = Observation("red", 1, "exercise", 20_000, 1000.0)


@pytest.mark.parametrize(
    ("notice", "observation", "verdict", "reason"),
    [
        (Notice("red", 1, "exercise", 20_000, 1000.0), None, Verdict.UNSEEN, "nothing was seen of it"),
        (Notice("red", 1, "movement", 20_000, 1000.0), SEEN, Verdict.CONTRADICTED,
         "another class was declared"),
        (Notice("red", 1, "exercise", 15_999, 1000.0), SEEN, Verdict.CONTRADICTED, "larger than declared"),
        (Notice("red", 1, "exercise", 16_000, 1000.0), SEEN, Verdict.CONSISTENT,
         "class, size and start agree"),
        (Notice("red", 1, "exercise", 90_000, 1000.0), SEEN, Verdict.CONSISTENT,
         "class, size and start agree"),
        (Notice("red", 1, "exercise", 20_000, 1001.5), SEEN, Verdict.CONTRADICTED,
         "started before the declared time"),
        (Notice("red", 1, "exercise", 20_000, 1001.0), SEEN, Verdict.CONSISTENT,
         "class, size and start agree"),
        (Notice("red", 1, "movement", 1, 9999.0), SEEN, Verdict.CONTRADICTED, "another class was declared"),
    ],
    ids=["unseen", "class", "size", "a quarter", "smaller", "start", "a second", "first reason"],
)  # fmt: skip
def test_a_notice_is_compared_with_what_was_seen(
    notice: Notice, observation: Observation | None, verdict: Verdict, reason: str
) -> None:
    """Each verdict has its reason; sizes may fall short by a quarter and starts by a second."""
    assert VerificationAgent.assess(notice, observation) == (verdict, reason)
