"""Random envelopes for the two implementations to agree about: some good, most spoilt in one way or more."""

import random
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgpack

from tests.vectors import make_wire_v1 as vectors
from tests.vectors.make_wire_v1 import BULLETIN, HEARTBEAT, LEADER, MINUTE, NOW, SKEW, U64, ZERO

EACH = 25  # envelopes a verifier
_ODD: list[Any] = [
    None, True, False, -1, 0, 2, 65536, 2**32, U64, 1.5, "", "North", "north", "\ud7ff", b"", bytes(31),
    ZERO, [],
    ["south", "east"], ["south", "south"], ["east", "south"], [1], {}, {"b": 1, "a": 1}, {"B": 1}, {1: 1},
    [[[[[[[[[[]]]]]]]]]], [0] * 65, bytes(8193), msgpack.Timestamp(1), msgpack.ExtType(3, b"x"),
]  # fmt: skip
_EDGES = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**53 + 1, U64]
_BELOW = [-1, -32, -33, -128, -129, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**63)]
# A header -> the same value in a longer form: what follows the type byte is put after these bytes.
_LONGER = {
    **{n: bytes([0xCC, n]) for n in range(0x80)},
    **{0x80 | n: bytes([0xDE, 0, n]) for n in range(16)},
    **{0x90 | n: bytes([0xDC, 0, n]) for n in range(16)},
    **{0xA0 | n: bytes([0xD9, n]) for n in range(32)},
    **{256 + n: bytes([0xD0, n % 256]) for n in range(-32, 0)},
    0xC4: b"\xc5\0", 0xC5: b"\xc6\0\0", 0xCC: b"\xcd\0", 0xCD: b"\xce\0\0", 0xCE: b"\xcf\0\0\0\0",
    0xD0: b"\xd1\xff", 0xD1: b"\xd2\xff\xff", 0xD2: b"\xd3\xff\xff\xff\xff", 0xD9: b"\xda\0",
    0xDC: b"\xdd\0\0",
}  # fmt: skip

_NAMES = tuple(name for name in vectors.KEYS if name != "hybrid")  # whose signatures cannot be made again


class Maker:
    """Envelopes for one setup, in a stream that goes on from what was probably accepted."""

    def __init__(self, rng: random.Random, realm: str) -> None:
        self.rng, self.realm = rng, realm
        self.epoch, self.sequence, self.previous = 0, 1, ZERO
        self.sent: list[bytes] = []
        self.signed: list[tuple[str, bytes]] = []

    def chance(self, percent: float) -> bool:
        return self.rng.random() * 100 < percent

    def wire(self) -> bytes:
        if self.sent and self.chance(4):
            return self.rng.choice(self.sent)
        if self.signed and self.chance(4):
            ptype, content = self.rng.choice(self.signed)  # once more, by somebody else
            return vectors.envelope(content, (self.rng.choice(("alice", "bob", "mac")),), ptype, self.realm)
        ptype = self.rng.choice((HEARTBEAT, HEARTBEAT, BULLETIN, LEADER))
        fields = self.fields(ptype)
        content = self.spoil(msgpack.packb(fields), 9)
        if content == msgpack.packb(fields) and self.chance(5):
            fields[self.rng.randrange(10)] = self.rng.choice(_ODD)
            content = msgpack.packb(fields)
        m = vectors.signed(ptype, content, "other" if self.chance(1) else self.realm)
        pairs = self.pairs(ptype, m)
        parts = [1, ptype, content, pairs]
        if self.chance(4):
            parts[self.rng.randrange(4)] = self.rng.choice(_ODD)
        wire = self.spoil(msgpack.packb(parts), 9)
        self.sent.append(wire)
        self.signed.append((ptype, content))
        if self.chance(75):
            self.sequence, self.previous = self.sequence + 1, sha256(m).digest()
        return wire

    def fields(self, ptype: str) -> list[Any]:
        rng = self.rng
        issued = NOW if self.chance(85) else NOW + rng.choice((-1, 1, SKEW, SKEW + 1, -MINUTE))
        ttl = MINUTE if self.chance(92) else rng.choice((1, vectors.DAY, vectors.DAY + 1))
        turn = rng.random()
        if turn < 0.05:
            self.sequence += rng.randint(1, 4)
        elif turn < 0.08:
            self.epoch, self.sequence = self.epoch + 1, 1
        elif turn < 0.10:
            self.sequence += 1024
        back = rng.randint(1, 5) if self.chance(6) else 0
        return [
            1,
            "west" if self.chance(2) else rng.choice(("north", "north", "north", "north/nrrc")),
            rng.choice((["south"], ["south"], ["east", "south"])) if self.chance(97) else ["east"],
            1,
            self.epoch if self.chance(98) else max(0, self.epoch - 1),
            max(1, self.sequence - back),
            issued,
            issued + ttl,
            rng.randbytes(32) if self.chance(4) else self.previous,
            self.payload(ptype),
        ]

    def payload(self, ptype: str) -> dict[str, Any]:
        rng = self.rng
        if ptype == HEARTBEAT:
            payload: dict[str, Any] = {"count": rng.choice(_EDGES)}
        elif ptype == LEADER:
            text = rng.choice(("", "x", "\xfc" * 512, "\U0001f4e1" * 256, "a" * 31, "a" * 32, "a" * 256))
            payload = {"hostile": self.chance(50), "text": text}
        else:
            payload = {
                "anything": rng.choice(_EDGES + _BELOW),
                "blob": rng.randbytes(rng.randint(0, 4)),
                "list": [rng.choice(_BELOW) for _ in range(rng.choice((0, 1, 15, 16, 64)))],
                "note": rng.choice(("a", "\ufeff", "abcdef", "\xfc\xfc")),
            }
        if self.chance(3):
            payload = dict(reversed(payload.items()))
        if self.chance(3):
            payload[rng.choice(("zz", "Zz", "a", "note", 7))] = rng.choice(_ODD)
        if self.chance(2):
            payload.popitem()
        return payload

    def pairs(self, ptype: str, m: bytes) -> list[list[bytes]]:
        names = {self.rng.choice(("alice", "bob", "carol", "mac"))}
        if ptype == LEADER:
            names |= {self.rng.choice(("alice", "alice-2", "bob")), "alice"}
        if self.chance(12):
            names.add(self.rng.choice(_NAMES))
        pairs = vectors.pairs_for(tuple(names), m)
        if self.chance(3):
            pairs[0][1] = self.change(pairs[0][1])
        if self.chance(3):
            pairs.reverse()
        if self.chance(1):
            pairs *= 2
        return pairs

    def spoil(self, data: bytes, percent: float) -> bytes:
        while self.chance(percent):
            data = self.change(data)
        return data

    def change(self, data: bytes) -> bytes:
        rng = self.rng
        at = rng.randrange(len(data) + 1)
        other = rng.randrange(len(data) + 1)
        first, last = sorted((at, other))
        head, tail = data[:at], data[at:]
        way = rng.randrange(8)
        if way == 0 and tail:  # one bit
            return head + bytes([tail[0] ^ 1 << rng.randrange(8)]) + tail[1:]
        if way == 1:  # cut
            return head
        if way == 2:  # more at the end
            return data + rng.randbytes(rng.randint(1, 3))
        if way == 3:  # two parts change places
            middle = (first + last) // 2
            return data[:first] + data[middle:last] + data[first:middle] + data[last:]
        if way == 4 and tail:  # a byte that means something
            return (
                head
                + bytes(
                    [
                        rng.choice(
                            b"\xc0\xc1\xc2\xc4\xc7\xca\xcb\xcc\xcf\xd0\xd3\xd4\xd9\xdb\xdd\xdf\x80\x90\xff"
                        )
                    ]
                )
                + tail[1:]
            )
        if way == 5:  # a byte more
            return head + rng.randbytes(1) + tail
        return self.longer(data)

    def longer(self, data: bytes) -> bytes:
        """One header in a longer form than it needs: near the front, where most bytes are headers."""
        at = self.rng.choice((0, 1, 2, len(data) - 1, self.rng.randrange(max(1, len(data)))))
        if not 0 <= at < len(data):
            return data
        form = _LONGER.get(data[at])
        return data if form is None else data[:at] + form + data[at + 1 :]


def lines(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """A line with a setup for every 25 lines with an envelope."""
    rng = random.Random(seed)
    schemas = {
        ptype: [vectors.field_data(f) for f in vectors.SCHEMAS[ptype].fields] for ptype in vectors.SCHEMAS
    }
    for number in range(count):
        if number % EACH == 0:
            setup = vectors.SETUPS[rng.choice(("sim", "sim", "sim", "live", "main"))]
            maker = Maker(rng, setup["realm"])
            yield {"setup": vectors.plain(vectors.setup_data(setup)), "schemas": vectors.plain(schemas)}
        now = (
            NOW
            if maker.chance(92)
            else NOW + rng.choice((-SKEW, -SKEW - 1, MINUTE + SKEW - 1, MINUTE + SKEW))
        )
        yield {"wire": maker.wire().hex(), "now_ms": now}
