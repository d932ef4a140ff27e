"""Envelopes on a byte stream: a length, then the envelope (the wire specification, section Framing).

Sans I/O: bytes go in as they arrive, envelopes come out; who reads the socket is the caller's business.
"""

from collections.abc import Iterator

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import MAX_WIRE_BYTES

LENGTH_BYTES = 4
# A trust store is the largest envelope there is (section Trust store).
MAX_FRAME_BYTES = 1 << 20


def frame(wire: bytes) -> bytes:
    """The envelope as it goes on a stream: its length as uint32 big-endian, then itself.

    Raises LocalProtocolError unless it is 1 to 1,048,576 bytes; the peer's own limit may be lower.
    """
    if not 1 <= len(wire) <= MAX_FRAME_BYTES:
        raise LocalProtocolError(f"an envelope of {len(wire)} bytes, 1 to {MAX_FRAME_BYTES} allowed")
    return len(wire).to_bytes(LENGTH_BYTES, "big") + wire


class Deframer:
    """Takes the chunks of one stream, of any size, and gives its envelopes.

    `max_wire_bytes` is the longest envelope taken, 1 to 1,048,576: 16 KiB unless told, more for trust
    stores, 48 more if envelopes come encrypted. At most that and one chunk are held. What is given, and
    what is refused, does not depend on how the stream was cut into chunks. Raises LocalProtocolError.
    """

    def __init__(self, max_wire_bytes: int = MAX_WIRE_BYTES) -> None:
        if type(max_wire_bytes) is not int or not 1 <= max_wire_bytes <= MAX_FRAME_BYTES:
            raise LocalProtocolError(f"max_wire_bytes {max_wire_bytes!r} must be 1 to {MAX_FRAME_BYTES}")
        self._max_wire_bytes = max_wire_bytes
        self._held = bytearray()  # an envelope begun: its length, or what there is of it, and its bytes
        self._wanted = LENGTH_BYTES  # how many bytes the part begun has in all
        self._chunk, self._at = b"", 0  # the chunk being gone through, and how far
        self._refusal: tuple[Code, str] | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The envelopes that the stream has complete with this chunk; take all before the next chunk.

        A length of 0 (BadEncoding) or over the limit (TooLarge) raises SignedMessageError as soon as its
        four bytes are there, after the envelopes before it were given. From then on every call raises it
        again: nothing after it can be told apart. Raises LocalProtocolError if the chunk before was not
        gone through.
        """
        self._check()
        self._chunk, self._at = bytes(chunk), 0
        return self._envelopes()

    def finish(self) -> None:
        """The stream has ended. Raises SignedMessageError: BadEncoding if it ended within an envelope.

        After a refusal, that refusal; LocalProtocolError if the last chunk was not gone through.
        """
        self._check()
        if self._held:
            self._refuse(Code.BAD_ENCODING, f"the stream ends after {len(self._held)} bytes of a frame")

    def _envelopes(self) -> Iterator[bytes]:
        while self._fill():
            if self._wanted == LENGTH_BYTES:
                size = int.from_bytes(self._held, "big")
                if size == 0:
                    self._refuse(Code.BAD_ENCODING, "an envelope of 0 bytes")
                if size > self._max_wire_bytes:
                    self._refuse(Code.TOO_LARGE, f"{size} bytes, at most {self._max_wire_bytes} allowed")
                self._wanted += size
            else:
                yield self._take()

    def _fill(self) -> bool:
        """Moves on what the part begun still lacks; whether it is complete."""
        end = min(self._at + self._wanted - len(self._held), len(self._chunk))
        self._held += memoryview(self._chunk)[self._at : end]
        self._at = end
        if end == len(self._chunk):
            self._chunk, self._at = b"", 0
        return len(self._held) == self._wanted

    def _take(self) -> bytes:
        wire = bytes(memoryview(self._held)[LENGTH_BYTES:])
        self._held, self._wanted = bytearray(), LENGTH_BYTES
        return wire

    def _check(self) -> None:
        if self._refusal is not None:
            raise SignedMessageError(*self._refusal)
        if self._chunk:
            raise LocalProtocolError("take every envelope of a chunk before the next one")

    def _refuse(self, code: Code, detail: str) -> None:
        self._refusal = code, detail
        self._held, self._chunk, self._at = bytearray(), b"", 0
        raise SignedMessageError(code, detail)
