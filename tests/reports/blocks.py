"""Reads a pcapng file block by block, by the draft alone: nothing of ours is used."""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple


class Packet(NamedTuple):
    """One enhanced packet: the interface's name, time in ns, bytes, and options by code."""

    interface: str
    at_ns: int
    data: bytes
    options: dict[int, bytes]


def blocks(file: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each block; both lengths must agree and be a multiple of four."""
    at = 0
    while at < len(file):
        kind, length = struct.unpack_from("<II", file, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", file, at + length - 4) == (length,)
        yield kind, file[at + 8 : at + length - 4]
        at += length
    assert at == len(file)


def options(data: bytes) -> dict[int, bytes]:
    """Options by code; they end with opt_endofopt, and nothing comes after."""
    found, at = {}, 0
    while True:
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            assert (length, at + 4) == (0, len(data))
            return found
        found[code] = data[at + 4 : at + 4 + length]
        padding = data[at + 4 + length : at + 4 + length + -length % 4]
        assert not any(padding)
        at += 4 + length + -length % 4


def read(file: bytes) -> tuple[dict[int, bytes], list[Packet]]:
    """The options of the section header, and the packets."""
    (kind, head), *rest = blocks(file)
    assert kind == 0x0A0D0D0A
    assert struct.unpack_from("<IHHq", head) == (0x1A2B3C4D, 1, 0, -1)
    names: list[str] = []
    packets: list[Packet] = []
    for kind, body in rest:
        if kind == 1:
            names.append(_interface(body))
        else:
            assert kind == 6
            packets.append(_packet(body, names))
    return options(head[16:]), packets


def _interface(body: bytes) -> str:
    assert struct.unpack_from("<HHI", body) == (147, 0, 0)  # USER0, reserved, no limit
    said: dict[int, Any] = options(body[8:])
    assert said[9] == b"\x09"  # nanoseconds
    return str(said[2].decode())


def _packet(body: bytes, names: list[str]) -> Packet:
    number, high, low, captured, original = struct.unpack_from("<IIIII", body)
    assert captured == original
    end = 20 + captured
    assert not any(body[end : end + -captured % 4])
    return Packet(names[number], high << 32 | low, body[20:end], options(body[end + -captured % 4 :]))
