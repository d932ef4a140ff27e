"""The built-in kinds and what each must say (the wire specification, section Body).

Times are milliseconds since the Unix epoch, or simulated milliseconds; no floats: degrees come as
integers of a millionth. A deployment adds a kind of its own as data:
`BUILTIN_SCHEMAS | {ptype_of("bulletin"): Schema(Field("activity", "uint"))}`, and its payload type to
the allow-list.
"""

from cbmnet.messages.message import ptype_of
from cbmnet.messages.schema import Field, Schema

_MICRODEGREES = 1_000_000


def _id(name: str, *, optional: bool = False) -> Field:
    return Field(name, "bin", 32, 32, optional=optional)


def _text(name: str = "text", least: int = 0, *, optional: bool = False) -> Field:
    return Field(name, "str", least, 1024, optional=optional)


_NOTIFICATION = (
    Field("activity", "uint"),
    Field("activity_class", "str", 1, 64),
    Field("size", "uint"),
    Field("start_ms", "uint"),
)
_PLACE = (
    Field("latitude_udeg", "int", -90 * _MICRODEGREES, 90 * _MICRODEGREES),
    Field("longitude_udeg", "int", -180 * _MICRODEGREES, 180 * _MICRODEGREES),
)
_ACCIDENTS = ("nuclear", "missile", "air", "sea", "land", "space", "cyber", "other")
_PEOPLE = Field("name", "str", 1, 128)

# kind -> its fields. `trust-store` has none here: its body is an array of its own, read by its own loader.
_FIELDS: dict[str, tuple[Field, ...]] = {
    "notice": _NOTIFICATION,
    "change": _NOTIFICATION,
    "cancel": (_id("refers_to"),),
    "follow-up": (_id("refers_to"), _text(least=1)),
    "query": (Field("activity", "uint"), Field("question", "str", 1, 256), Field("deadline_ms", "uint")),
    "clarification": (_id("query"), Field("benign", "bool"), _text()),
    "ack": (_id("refers_to"),),
    "refusal": (_id("refers_to"), Field("reason", "str", 0, 256)),
    "heartbeat": (Field("count", "uint"),),
    "leader-text": (_text(), Field("hostile", "bool")),
    # Annual exchange of military information: what it is about, and the file it comes as.
    "data-exchange": (
        Field("subject", "str", 1, 64),
        Field("valid_from_ms", "uint"),
        Field("file_sha256", "bin", 32, 32),
        Field("file_size_bytes", "uint"),
    ),
    # Vienna Document 2011, IX: area, purpose, points and times of entry, means, names.
    "inspection-request": (
        Field("area", "str", 1, 256),
        Field("arrival_ms", "uint"),
        Field("inspectors", "array", 1, 16, items=_PEOPLE),
        Field("duration_ms", "uint", 1),
        _text("purpose", optional=True),
    ),
    "inspection-reply": (_id("request"), Field("accepted", "bool"), _text("reason", optional=True)),
    "inspection-report": (_id("request"), Field("consistent", "bool"), Field("findings", "str", 0, 4096)),
    "observer-invitation": (
        Field("activity", "uint"),
        Field("places", "uint", 1, 64),
        Field("start_ms", "uint"),
        Field("reply_by_ms", "uint"),
    ),
    # Agreement on measures to reduce the risk of nuclear war, 1971, article 2; incidents at sea, 1972.
    "accident": (
        Field("category", "str", choices=_ACCIDENTS),
        Field("occurred_ms", "uint"),
        *_PLACE,
        _text(least=1),
    ),
    "protest": (_text(least=1), Field("occurred_ms", "uint"), _id("refers_to", optional=True)),
}  # fmt: skip

TRUST_STORE = ptype_of("trust-store")
ENROLMENT = ptype_of("enrolment")  # no message: its body too is its own
BUILTIN_SCHEMAS: dict[str, Schema] = {ptype_of(kind): Schema(*fields) for kind, fields in _FIELDS.items()}
BUILTIN: frozenset[str] = frozenset(BUILTIN_SCHEMAS) | {TRUST_STORE}
