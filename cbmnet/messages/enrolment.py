"""Enrolment: a person shows that the key to be entered is in their hands (section Trust store).

A request is an envelope of kind enrolment, signed by the key it is about, with a body of its own:
`[1, algorithm, public key, person, party, payload types, issued at, challenge]`. The challenge is 16 to 64
bytes that the keeper of the trust store gave out, once and to this person, so that an old request, or
somebody else's, is no proof.
"""

from collections.abc import Sequence
from hmac import compare_digest

import msgpack

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.authenticator import key_check
from cbmnet.messages.body import is_name
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import HARD_MAX_WIRE_BYTES, read_frame_slow, write_frame
from cbmnet.messages.keys import Signer, key_id
from cbmnet.messages.kinds import ENROLMENT
from cbmnet.messages.pae import signing_prefix
from cbmnet.messages.reader import scan
from cbmnet.messages.trust import Entry, TrustStore

CHALLENGE_BYTES = range(16, 65)
_BODY_DEPTH = 2


def request_enrolment(
    signer: Signer,
    person: str,
    party: str,
    ptypes: Sequence[str],
    *,
    realm: str,
    now_ms: int,
    challenge: bytes,
) -> bytes:
    """The request as bytes, for the keeper of the trust store; raises LocalProtocolError."""
    if len(challenge) not in CHALLENGE_BYTES:
        raise LocalProtocolError("a challenge is 16 to 64 bytes")
    if not person or not is_name(party):
        raise LocalProtocolError("a request names a person, and a party of 1 to 64 of [a-z0-9./-]")
    fields = [1, signer.algorithm, signer.public_key, person, party, sorted(set(ptypes)), now_ms, challenge]
    body: bytes = msgpack.packb(fields)
    return write_frame(ENROLMENT, body, [(signer.kid, signer.sign(_signed(body, realm)))])


def open_enrolment(
    wire: bytes, *, realm: str, challenge: bytes, not_before_ms: int, not_after_ms: int
) -> Entry:
    """The entry that the request asks for, valid from and until what the keeper decides.

    That the person is who they say is for people to check; shown here is that they hold the key. Raises
    SignedMessageError: a Malformed code, BadSignature, AlgorithmUnavailable, BadTrustStore for a key or a
    content no store may have, BadField for another challenge than the one given out.
    """
    if type(challenge) is not bytes or len(challenge) not in CHALLENGE_BYTES:
        raise LocalProtocolError("a challenge is 16 to 64 bytes, given out once")
    if len(wire) > HARD_MAX_WIRE_BYTES:
        raise SignedMessageError(Code.TOO_LARGE, f"{len(wire)} bytes, at most {HARD_MAX_WIRE_BYTES} allowed")
    _, body, signatures = read_frame_slow(wire, (ENROLMENT,))
    scan(body, _BODY_DEPTH)
    try:
        one, algorithm, public_key, person, party, ptypes, now_ms, told = msgpack.unpackb(body)
        kid = key_id(algorithm, public_key)
    except (TypeError, ValueError) as error:
        raise SignedMessageError(Code.BAD_FIELD, "this is no request for enrolment") from error
    whole = type(one) is type(algorithm) is type(now_ms) is int and one == 1 and now_ms >= 0
    if not whole or type(person) is not str or not (type(party) is str and is_name(party)):
        raise SignedMessageError(Code.BAD_FIELD, "a request is of version 1 and names a person and a party")
    texts = type(ptypes) is list and all(type(ptype) is str for ptype in ptypes)
    if not texts or ptypes != sorted(set(ptypes)):
        raise SignedMessageError(Code.BAD_FIELD, "payload types must be text and ascend")
    if type(told) is not bytes or not compare_digest(told, challenge):
        raise SignedMessageError(Code.BAD_FIELD, "another challenge than the one that was given out", kid)
    entry = Entry(kid, algorithm, public_key, person, party, tuple(ptypes), not_before_ms, not_after_ms)
    TrustStore([entry])  # refuses a key that no store may have, before it is asked to verify anything
    if [pair[0] for pair in signatures] != [kid]:
        raise SignedMessageError(Code.BAD_SIGNATURE, f"signed by another key than {kid.hex()}", kid)
    check = key_check(algorithm, public_key)
    if check is None:
        raise SignedMessageError(
            Code.ALGORITHM_UNAVAILABLE, f"algorithm {algorithm} cannot be used here", kid
        )
    if not check(signatures[0][1], _signed(body, realm)):
        raise SignedMessageError(Code.BAD_SIGNATURE, "the key it is about has not signed it", kid)
    return entry


def _signed(body: bytes, realm: str) -> bytes:
    return b"%b%d %b" % (signing_prefix(ENROLMENT, realm), len(body), body)
