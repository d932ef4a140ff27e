"""The signed message: envelope, keys, trust store, verifier, replay guard and kinds of message.

Beside the standard library it stands on `cryptography` and `msgpack` alone. It reads no clock and makes
no randomness: times, seeds and secrets come in.
"""

from cbmnet.messages.codes import (
    AUTHENTIC,
    EVIDENCE,
    FRESH,
    MALFORMED,
    ORDER,
    POLICY,
    STATE,
    Code,
    SignedMessageError,
)
from cbmnet.messages.envelope import Signatures
from cbmnet.messages.guard import Change, ReplayGuard
from cbmnet.messages.keys import ED25519, HYBRID, SIMULATION_MAC, Ed25519Signer, MacSigner, Signer, key_id
from cbmnet.messages.kinds import BUILTIN, BUILTIN_SCHEMAS
from cbmnet.messages.message import Message, ptype_of
from cbmnet.messages.pae import pae
from cbmnet.messages.schema import Field, Schema
from cbmnet.messages.sealing import Sealed, Sender, seal
from cbmnet.messages.trust import Entry, TrustStore
from cbmnet.messages.verifier import Accepted, Verifier

__all__ = [
    "AUTHENTIC",
    "BUILTIN",
    "BUILTIN_SCHEMAS",
    "ED25519",
    "EVIDENCE",
    "FRESH",
    "HYBRID",
    "MALFORMED",
    "ORDER",
    "POLICY",
    "SIMULATION_MAC",
    "STATE",
    "Accepted",
    "Change",
    "Code",
    "Ed25519Signer",
    "Entry",
    "Field",
    "MacSigner",
    "Message",
    "ReplayGuard",
    "Schema",
    "Sealed",
    "Sender",
    "Signatures",
    "SignedMessageError",
    "Signer",
    "TrustStore",
    "Verifier",
    "key_id",
    "pae",
    "ptype_of",
    "seal",
]  # fmt: skip
