"""The arts of a simulated adversary: it knows frames and envelopes, and the keys that a scenario gave it."""

from collections.abc import Mapping

from msgspec.structs import replace

from cbmnet.channels.forger import FORGER_STREAM, Impostor, forge
from cbmnet.datagram import Datagram
from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.messages import Message, Signer, seal
from cbmnet.messages.body import decode_slow, pack_any
from cbmnet.messages.envelope import read_frame_slow, write_frame
from cbmnet.protocols.endpoint import DATA, decode_frame, encode_frame, party_of
from cbmnet.simulation.keys import REALM, SCHEMAS
from cbmnet.streams import Streams
from cbmnet.units import DAY_S

_MS = 1000.0
MAX_MS = 2**62


class Tampering:
    """Makes what an adversary adds to the line or changes on it; what is no message is let be."""

    def __init__(self, signers: Mapping[str, Signer], streams: Streams, source: str) -> None:
        self._signers, self._streams, self._source = signers, streams, party_of(source)

    def replayed(self, datagram: Datagram, number: int) -> Datagram | None:
        """The recorded envelope in a frame of a fresh number, so that no transport takes it for a copy."""
        envelope = _envelope(datagram)
        return None if envelope is None else _framed(datagram, FORGER_STREAM, number, envelope)

    def forged(self, datagram: Datagram, number: int, at_s: float, keys: frozenset[str]) -> Datagram | None:
        """A hostile text in the name of whoever sends on this line."""
        guess = self._streams.bytes("adversary", f"{self._source}/{number}", 64)
        real = self._signers[self._source]
        signer: Signer = real if self._source in keys else Impostor(real.kid, guess)
        payload = {"hostile": True, "text": "an ultimatum"}
        wire = forge(
            "leader-text", payload, self._source, party_of(datagram.peer), signer, REALM,
            number=number, now_ms=round(at_s * _MS), ttl_ms=round(DAY_S * _MS),
        )  # fmt: skip
        return _framed(replace(datagram, kind="leader-text"), FORGER_STREAM, number, wire)

    def redated(self, datagram: Datagram, by_s: float, keys: frozenset[str]) -> Datagram | None:
        """The message made younger by `by_s`: its time of issue and its end are both moved on."""
        envelope = _envelope(datagram)
        if envelope is None:
            return None
        try:
            ptype, body, signatures = read_frame_slow(envelope, None)
            fields = decode_slow(body)
        except RemoteProtocolError:
            return None
        by_ms = round(by_s * _MS)
        if not 0 <= fields[5] + by_ms < fields[6] + by_ms <= MAX_MS:
            return None
        moved = *fields[:5], fields[5] + by_ms, fields[6] + by_ms, *fields[7:]
        message = Message(ptype, *moved)
        if message.sender in keys:
            try:
                wire = seal(message, [self._signers[message.sender]], REALM, schemas=SCHEMAS).wire
            except LocalProtocolError:
                return None  # the line spoilt it before: what fits no schema, no key makes good
        else:
            wire = write_frame(ptype, pack_any(moved), signatures)
        return _reframed(datagram, wire)


def _envelope(datagram: Datagram) -> bytes | None:
    try:
        frame = decode_frame(datagram.data)
    except RemoteProtocolError:
        return None
    return frame[5] if frame[1] == DATA else None


def _framed(datagram: Datagram, stream: int, number: int, envelope: bytes) -> Datagram:
    frame = encode_frame(DATA, stream, number, 1, envelope)
    return Datagram(frame, datagram.peer, datagram.kind, stream, 0, number)


def _reframed(datagram: Datagram, envelope: bytes) -> Datagram:
    _, type_, stream, sequence, mark, _ = decode_frame(datagram.data)
    return replace(datagram, data=encode_frame(type_, stream, sequence, mark, envelope))
