"""The signed message: envelope, keys, trust store, verifier, replay guard and kinds of message.

Beside the standard library it stands on `cryptography` and `msgpack` alone. It reads no clock and makes
no randomness: times, seeds and secrets come in.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cbmnet.messages.accepted import Accepted, Attributed
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
from cbmnet.messages.verifier import Verifier

if TYPE_CHECKING:
    from cbmnet.messages.countersigning import countersign, merge, signatures_of
    from cbmnet.messages.detached import (
        DETACHED,
        Attested,
        DetachedVerifier,
        FileDigest,
        digest_file,
        sign_detached,
    )
    from cbmnet.messages.durable import DurableGuard, DurableSender
    from cbmnet.messages.encryption import ENCRYPTION_OVERHEAD_BYTES, decrypt, encrypt
    from cbmnet.messages.enrolment import open_enrolment, request_enrolment
    from cbmnet.messages.evidence import Evidence, Judgement, judge, load_evidence, save_evidence
    from cbmnet.messages.file_store import FileStore
    from cbmnet.messages.framing import Deframer, frame
    from cbmnet.messages.hybrid import HybridSigner
    from cbmnet.messages.key_files import (
        HybridPrivateKey,
        generate,
        generate_hybrid,
        read_hybrid_private_key,
        read_private_key,
        read_public_key,
        write_private_key,
        write_public_key,
    )
    from cbmnet.messages.storage import MemoryStorage, Storage, Stored
    from cbmnet.messages.trust_document import Root, Roots, TrustDocument
    from cbmnet.messages.trust_signing import (
        countersign_document,
        document_id,
        open_document,
        open_own_document,
        sign_document,
    )

# What few programs need is loaded when it is first asked for.
_LATER = {
    "detached": ("DETACHED", "Attested", "DetachedVerifier", "FileDigest", "digest_file", "sign_detached"),
    "encryption": ("ENCRYPTION_OVERHEAD_BYTES", "decrypt", "encrypt"),
    "framing": ("Deframer", "frame"),
    "key_files": (
        "HybridPrivateKey",
        "generate",
        "generate_hybrid",
        "read_hybrid_private_key",
        "read_private_key",
        "read_public_key",
        "write_private_key",
        "write_public_key",
    ),
    "durable": ("DurableGuard", "DurableSender"),
    "file_store": ("FileStore",),
    "storage": ("MemoryStorage", "Storage", "Stored"),
    "countersigning": ("countersign", "merge", "signatures_of"),
    "enrolment": ("open_enrolment", "request_enrolment"),
    "evidence": ("Evidence", "Judgement", "judge", "load_evidence", "save_evidence"),
    "hybrid": ("HybridSigner",),
    "trust_document": ("Root", "Roots", "TrustDocument"),
    "trust_signing": (
        "countersign_document",
        "document_id",
        "open_document",
        "open_own_document",
        "sign_document",
    ),
}
_MODULES = {name: module for module, names in _LATER.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'cbmnet.messages' has no attribute {name!r}")
    return getattr(import_module(f"cbmnet.messages.{_MODULES[name]}"), name)


__all__ = [
    "AUTHENTIC",
    "BUILTIN",
    "BUILTIN_SCHEMAS",
    "DETACHED",
    "ED25519",
    "ENCRYPTION_OVERHEAD_BYTES",
    "EVIDENCE",
    "FRESH",
    "HYBRID",
    "MALFORMED",
    "ORDER",
    "POLICY",
    "SIMULATION_MAC",
    "STATE",
    "Accepted",
    "Attested",
    "Attributed",
    "Change",
    "Code",
    "Deframer",
    "DetachedVerifier",
    "DurableGuard",
    "DurableSender",
    "Ed25519Signer",
    "Entry",
    "Evidence",
    "Field",
    "FileDigest",
    "FileStore",
    "HybridPrivateKey",
    "HybridSigner",
    "Judgement",
    "MacSigner",
    "MemoryStorage",
    "Message",
    "ReplayGuard",
    "Root",
    "Roots",
    "Schema",
    "Sealed",
    "Sender",
    "Signatures",
    "SignedMessageError",
    "Signer",
    "Storage",
    "Stored",
    "TrustDocument",
    "TrustStore",
    "Verifier",
    "countersign",
    "countersign_document",
    "decrypt",
    "digest_file",
    "document_id",
    "encrypt",
    "frame",
    "generate",
    "generate_hybrid",
    "judge",
    "key_id",
    "load_evidence",
    "merge",
    "open_document",
    "open_enrolment",
    "open_own_document",
    "pae",
    "ptype_of",
    "read_hybrid_private_key",
    "read_private_key",
    "read_public_key",
    "request_enrolment",
    "save_evidence",
    "seal",
    "sign_detached",
    "sign_document",
    "signatures_of",
    "write_private_key",
    "write_public_key",
]
