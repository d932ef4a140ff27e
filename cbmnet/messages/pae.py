"""What is signed: DSSE's pre-authentication encoding over the raw body (section What is signed)."""

import re
from functools import lru_cache

from cbmnet.errors import LocalProtocolError

_REALM = re.compile(r"[a-z0-9-]{1,32}")


class _Lengths(dict[int, bytes]):
    def __missing__(self, length: int) -> bytes:
        text = self[length] = b"%d " % length
        return text


LENGTHS = _Lengths()
"""A body's length as M has it, between the `signing_prefix` and the body: each is written but once."""


def pae(payload_type: bytes, body: bytes) -> bytes:
    """`DSSEv1 SP len SP type SP len SP body`, lengths in decimal, as DSSE publishes it."""
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type, len(body), body)


@lru_cache(maxsize=1024)
def signing_prefix(ptype: str, realm: str) -> bytes:
    """What every M of one payload type and realm begins with, up to the body's length.

    The realm is never sent: it binds an exercise or a simulation to itself. Raises LocalProtocolError.
    """
    check_realm(realm)
    payload_type = f"{ptype};realm={realm}".encode("ascii")
    return b"DSSEv1 %d %b " % (len(payload_type), payload_type)


def check_realm(realm: str) -> None:
    """Raises LocalProtocolError unless the realm matches `[a-z0-9-]{1,32}`."""
    if not _REALM.fullmatch(realm):
        raise LocalProtocolError(f"realm {realm!r} must match [a-z0-9-]{{1,32}}")
