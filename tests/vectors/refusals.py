"""What people read when a message or a trust store is refused: each case with code, words, key and id.

Run as `python -m tests.vectors.refusals` to write them down anew, then look at what changed: the codes are
for programs and fixed by the specification, the words are ours, and say where, what and what is allowed.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cbmnet.messages import SignedMessageError, TrustStore, open_document
from tests.messages import test_trust_document as documents
from tests.vectors.load import schemas_of, steps_of, verifier_of
from tests.vectors.make_wire_v1 import FILE as VECTORS

FILE = Path(__file__).with_name("refusals-v1.txt")


def refusals() -> Iterator[str]:
    """One line a refusal, in the order of the vectors, then of the spoilt trust stores."""
    vectors = json.loads(VECTORS.read_text())
    schemas = schemas_of(vectors["schemas"])
    for case in vectors["cases"]:
        verifier = verifier_of(vectors["setups"][case["setup"]], schemas)
        for number, step in enumerate(steps_of(case)):
            wire, now_ms = bytes.fromhex(step["wire"]), int(step["now_ms"])
            yield from _said(f"{case['name']}/{number}", lambda w=wire, n=now_ms, v=verifier: v.accept(w, n))
    for number, body in enumerate(documents.BAD_BODIES):
        wire = documents.signed_body(body, documents.R1, documents.R2)
        yield from _said(f"trust-store-body/{number}", lambda w=wire: _open(w))
    for name, wire in documents.bad_wires().items():
        yield from _said(f"trust-store/{name}", lambda w=wire: _open(w))
    for number, changes in enumerate(documents.BAD_CONTENTS):
        yield from _said(f"trust-store-content/{number}", lambda c=changes: documents.changed_content(c))
    for name, entry in documents.bad_entries().items():
        yield from _said(f"entry/{name}", lambda e=entry: TrustStore([e]))


def _open(wire: bytes) -> Any:
    return open_document(wire, documents.REALM, documents.HANDED_OVER)


def _said(name: str, check: Callable[[], Any]) -> Iterator[str]:
    try:
        check()
    except SignedMessageError as error:
        kid = error.kid.hex() if isinstance(error.kid, bytes) else "-"
        message = error.message_id.hex()[:16] if error.message_id else "-"
        yield f"{name}\t{error.code}\t{error.detail}\tkey {kid}\tmessage {message}"


if __name__ == "__main__":
    FILE.write_text("\n".join(refusals()) + "\n")
