"""Transferable evidence: two envelopes that no honest sender signs, judged by anyone with the trust store.

Equivocation: one sender, stream, epoch and sequence, two different messages. Chain break: the later of two
successive messages names another predecessor than the earlier one. Both envelopes carry signatures, so
whoever holds the trust store can check them without having been there; nothing else is evidence
(the wire specification, section Errors). The file is msgpack `[1, realm, earlier envelope, later envelope]`.
"""

from typing import NamedTuple

import msgpack

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.accepted import Attributed
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import HARD_MAX_WIRE_BYTES
from cbmnet.messages.keys import SIMULATION_MAC
from cbmnet.messages.pae import check_realm
from cbmnet.messages.trust import persons_of
from cbmnet.messages.verifier import Verifier

EVIDENCE_VERSION = 1
MAX_EVIDENCE_BYTES = 2 * HARD_MAX_WIRE_BYTES + 64


class Evidence(NamedTuple):
    """Two envelopes and the realm in which they were signed."""

    realm: str
    earlier: bytes
    later: bytes


class Judgement(NamedTuple):
    """`guilty` or not shown; `sender` and `persons` (who signed both) only if guilty; `reason` for people."""

    guilty: bool
    reason: str
    sender: str = ""
    persons: tuple[str, ...] = ()


def save_evidence(error: SignedMessageError, realm: str) -> bytes:
    """The file of a refusal with Equivocation or ChainBreak whose earlier envelope is still kept.

    Raises LocalProtocolError where there is nothing to show: another code, or only the later envelope.
    """
    check_realm(realm)
    if len(error.evidence) != 2:
        raise LocalProtocolError(f"{error.code} comes without two envelopes: there is nothing to show")
    packed: bytes = msgpack.packb([EVIDENCE_VERSION, realm, *error.evidence])
    return packed


def load_evidence(data: bytes) -> Evidence:
    """The two envelopes of a file; raises SignedMessageError with a Malformed code if it is none."""
    if len(data) > MAX_EVIDENCE_BYTES:
        raise SignedMessageError(Code.TOO_LARGE, f"{len(data)} bytes, at most {MAX_EVIDENCE_BYTES} allowed")
    try:
        fields = msgpack.unpackb(
            data,
            max_array_len=4,
            max_bin_len=HARD_MAX_WIRE_BYTES,
            max_str_len=32,
            max_map_len=0,
            max_ext_len=0,
        )
        version, realm, earlier, later = fields
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise SignedMessageError(Code.BAD_ENCODING, "this is no file of evidence") from error
    if version != EVIDENCE_VERSION or type(version) is not int:
        raise SignedMessageError(Code.UNSUPPORTED_VERSION, f"evidence of version {version!r}")
    if type(realm) is not str or type(earlier) is not bytes or type(later) is not bytes:
        raise SignedMessageError(Code.BAD_FIELD, "evidence is a realm and two envelopes")
    try:
        check_realm(realm)
    except LocalProtocolError as error:
        raise SignedMessageError(Code.BAD_FIELD, str(error)) from error
    return Evidence(realm, earlier, later)


def judge(evidence: Evidence, verifier: Verifier) -> Judgement:
    """Whether the two envelopes convict their sender, by the keys of the verifier's store.

    The verifier must be of the evidence's realm. Guilty needs one person who signed both, by a key that
    nobody else can sign with. "Not shown" says nothing of innocence: a key may be missing from the store, of
    a kind that whoever checks it could forge (the simulation MAC), or compromised: whoever has been convicted
    can still declare the key stolen, so keep the judgement and the trust store of its day.
    """
    if verifier.realm != evidence.realm:
        return Judgement(False, f"signed in realm {evidence.realm!r}, judged in {verifier.realm!r}")
    said = []
    for which, wire in (("earlier", evidence.earlier), ("later", evidence.later)):
        try:
            said.append(verifier.attribute(wire))
        except SignedMessageError as error:
            return Judgement(False, f"the {which} envelope does not count: {error}")
    one, two = said
    if (reason := _contradiction(one, two)) is None:
        return Judgement(False, "an honest sender may have signed both")
    names, others = _persons(one), _persons(two)
    persons = tuple(sorted(names[folded] for folded in names.keys() & others.keys()))
    if not persons:
        return Judgement(
            False, f"no one person signed both, though the keys for {one.message.sender} disagree"
        )
    return Judgement(True, reason, one.message.sender, persons)


def _persons(said: Attributed) -> dict[str, str]:
    return persons_of(entry for entry in said.signers if entry.algorithm != SIMULATION_MAC)


def _contradiction(one: Attributed, two: Attributed) -> str | None:
    a, b = one.message, two.message
    if (a.sender, a.stream, a.epoch) != (b.sender, b.stream, b.epoch):
        return None
    where = f"stream {a.stream}, epoch {a.epoch}"
    if a.sequence == b.sequence:
        return None if one.id == two.id else f"two messages with sequence {a.sequence} of {where}"
    if a.sequence > b.sequence:
        a, b, one, two = b, a, two, one
    if b.sequence == a.sequence + 1 and b.previous != one.id:
        return f"sequence {b.sequence} of {where} denies the message before it"
    return None
