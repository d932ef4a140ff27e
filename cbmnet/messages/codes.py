"""Why a signed message was refused: stable codes, grouped by origin, and the error that carries one."""

from enum import StrEnum

from cbmnet.errors import RemoteProtocolError


class Code(StrEnum):
    """Stable error codes of the signed message (the wire specification, section Errors)."""

    # Malformed: the bytes are no envelope.
    TOO_LARGE = "TooLarge"
    BAD_ENCODING = "BadEncoding"
    NOT_CANONICAL = "NotCanonical"
    TRAILING_BYTES = "TrailingBytes"
    TOO_DEEP = "TooDeep"
    BAD_FIELD = "BadField"
    UNSUPPORTED_VERSION = "UnsupportedVersion"
    UNKNOWN_TYPE = "UnknownType"
    # Authentic: nobody who may say this is shown to have said it.
    UNKNOWN_KEY = "UnknownKey"
    BAD_SIGNATURE = "BadSignature"
    KEY_NOT_YET_VALID = "KeyNotYetValid"
    KEY_EXPIRED = "KeyExpired"
    KEY_REVOKED = "KeyRevoked"
    THRESHOLD_NOT_MET = "ThresholdNotMet"
    SIGNER_NOT_ALLOWED = "SignerNotAllowed"
    ALGORITHM_UNAVAILABLE = "AlgorithmUnavailable"
    # Fresh: it was said at another time.
    EXPIRED = "Expired"
    FROM_FUTURE = "FromFuture"
    TTL_TOO_LONG = "TtlTooLong"
    # Order: it does not continue what was said before.
    DUPLICATE = "Duplicate"
    REPLAYED = "Replayed"
    TOO_OLD = "TooOld"
    EQUIVOCATION = "Equivocation"
    CHAIN_BREAK = "ChainBreak"
    # Policy: it was said to others.
    NOT_RECEIVER = "NotReceiver"
    # State: our own stored state cannot be used.
    STATE_CORRUPT = "StateCorrupt"
    STORE_ROLLBACK = "StoreRollback"
    BAD_TRUST_STORE = "BadTrustStore"


MALFORMED = frozenset(
    {
        Code.TOO_LARGE,
        Code.BAD_ENCODING,
        Code.NOT_CANONICAL,
        Code.TRAILING_BYTES,
        Code.TOO_DEEP,
        Code.BAD_FIELD,
        Code.UNSUPPORTED_VERSION,
        Code.UNKNOWN_TYPE,
    }
)
AUTHENTIC = frozenset(
    {
        Code.UNKNOWN_KEY,
        Code.BAD_SIGNATURE,
        Code.KEY_NOT_YET_VALID,
        Code.KEY_EXPIRED,
        Code.KEY_REVOKED,
        Code.THRESHOLD_NOT_MET,
        Code.SIGNER_NOT_ALLOWED,
        Code.ALGORITHM_UNAVAILABLE,
    }
)
FRESH = frozenset({Code.EXPIRED, Code.FROM_FUTURE, Code.TTL_TOO_LONG})
ORDER = frozenset({Code.DUPLICATE, Code.REPLAYED, Code.TOO_OLD, Code.EQUIVOCATION, Code.CHAIN_BREAK})
POLICY = frozenset({Code.NOT_RECEIVER})
STATE = frozenset({Code.STATE_CORRUPT, Code.STORE_ROLLBACK, Code.BAD_TRUST_STORE})
EVIDENCE = frozenset({Code.EQUIVOCATION, Code.CHAIN_BREAK})


MAX_DETAIL_CHARACTERS = 400  # what strangers sent must not fill a log


class SignedMessageError(RemoteProtocolError):
    """A message, or the state it is checked against, was refused.

    `code` is stable and meant for programs, `detail` is for people. `kid` (16 bytes) names the key at
    fault, `message_id` (32 bytes) the message, both where known. `evidence` is empty but for
    Equivocation and ChainBreak: the earlier envelope, unless it is no longer kept, then the refused one.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        kid: bytes | None = None,
        message_id: bytes | None = None,
        evidence: tuple[bytes, ...] = (),
    ) -> None:
        if len(detail) > MAX_DETAIL_CHARACTERS:
            detail = detail[: MAX_DETAIL_CHARACTERS - 3] + "..."
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.kid = kid
        self.message_id = message_id
        self.evidence = evidence

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.code, self.detail, self.kid, self.message_id, self.evidence)
