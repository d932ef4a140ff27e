"""Bit corruption: one bit of the bytes really flips, each as likely as another (netem(8), `corrupt`)."""

from dataclasses import dataclass

from msgspec.structs import replace

from cbmnet.channels.stage import STAGES, WORD_CORRUPT, Flight, LinkContext
from cbmnet.streams import FIRST_WORD, threshold


@dataclass(frozen=True)
class CorruptionConfig:
    """`corrupt_prob`: probability that one flight arrives with a flipped bit."""

    corrupt_prob: float


@STAGES.register("corruption", CorruptionConfig)
class Corruption:
    """The receiver gets the changed bytes and has to find out by itself."""

    instant = memoryless = True
    uses = (WORD_CORRUPT,)
    __slots__ = ("_limit", "_purpose")

    def __init__(self, config: CorruptionConfig, link: LinkContext) -> None:
        self._limit = threshold(config.corrupt_prob)
        self._purpose = f"corruption/bit{link.name.partition('#')[2]}"  # a second one of a hop draws apart

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Flips one evenly chosen bit of each chosen flight."""
        if flight.words[WORD_CORRUPT] < self._limit and flight.drop is None:
            data = flight.datagram.data
            bit = int.from_bytes(flight.more_words(self._purpose)[FIRST_WORD])
            flight.datagram = replace(flight.datagram, data=flip_bit(data, bit))
            flight.corrupted = True
        return None


def flip_bit(data: bytes, bit: int) -> bytes:
    """The bytes with one bit changed, counted round; bit 0 is the highest of the first byte.

    Where there are none, none can change.
    """
    if not data:
        return data
    bit %= 8 * len(data)
    changed = bytearray(data)
    changed[bit >> 3] ^= 0x80 >> (bit & 7)
    return bytes(changed)
