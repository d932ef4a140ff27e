"""The blocks of a pcapng file that a capture of ours needs, as bytes.

After draft-ietf-opsawg-pcapng: a section header (4.1), interface descriptions with nanosecond time stamps
(4.2, `if_tsresol` 9) and enhanced packets (4.3), little-endian. The library `python-pcapng` was looked at:
its last release, 2.1.1 of August 2022, raises a DeprecationWarning about itself when it writes `if_tsresol`,
and these three blocks are all that is needed.
"""

import struct
from collections.abc import Iterable

LINKTYPE_USER0 = 147  # https://www.tcpdump.org/linktypes.html: reserved for private use
SECTION_HEADER, INTERFACE_DESCRIPTION, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
INBOUND, OUTBOUND = 1, 2
_END, _COMMENT, _USER_APPLICATION, _IF_NAME, _IF_TSRESOL, _EPB_FLAGS = 0, 1, 4, 2, 9, 2
_BYTE_ORDER, _MAJOR, _MINOR, _UNKNOWN_LENGTH, _NO_LIMIT = 0x1A2B3C4D, 1, 0, -1, 0
_NANOSECONDS = b"\x09"
_NS = 1_000_000_000

_Option = tuple[int, bytes]


def section_header(application: str, comment: str = "") -> bytes:
    """The block that begins a file; `comment` says what was captured."""
    body = struct.pack("<IHHq", _BYTE_ORDER, _MAJOR, _MINOR, _UNKNOWN_LENGTH)
    options = [*_comment(comment), (_USER_APPLICATION, application.encode())]
    return _block(SECTION_HEADER, body, options)


def interface(name: str, link_type: int = LINKTYPE_USER0) -> bytes:
    """The block of one interface; packets name interfaces by their place among these blocks, from 0."""
    body = struct.pack("<HHI", link_type, 0, _NO_LIMIT)
    return _block(INTERFACE_DESCRIPTION, body, [(_IF_NAME, name.encode()), (_IF_TSRESOL, _NANOSECONDS)])


def packet(number: int, at_s: float, data: bytes, direction: int, comment: str = "") -> bytes:
    """The block of one packet on interface `number`; `at_s` is counted from 1970-01-01, to the nanosecond."""
    at_ns = round(at_s * _NS)
    body = struct.pack("<IIIII", number, at_ns >> 32, at_ns & 0xFFFFFFFF, len(data), len(data))
    options = [*_comment(comment), (_EPB_FLAGS, struct.pack("<I", direction))]
    return _block(ENHANCED_PACKET, body + _padded(data), options)


def _comment(text: str) -> list[_Option]:
    return [(_COMMENT, text.encode())] if text else []


def _block(kind: int, body: bytes, options: Iterable[_Option]) -> bytes:
    packed = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options)
    content = body + packed + struct.pack("<HH", _END, 0)
    length = struct.pack("<I", len(content) + 12)  # both lengths and the type are counted
    return struct.pack("<I", kind) + length + content + length


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
