"""`cbmnet doctor`: is everything here that a run needs?"""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import typer

from cbmnet import __version__
from cbmnet.cli.options import AsJson
from cbmnet.cli.verb import VERBS

BASE = ("cryptography", "msgpack", "msgspec", "simpy", "structlog")
STUDY = ("pydantic", "numpy", "scipy", "matplotlib", "typer", "rich")


@VERBS.register("doctor")
def doctor(as_json: AsJson = False) -> None:
    """Show versions, cores and extras, and sign and verify one message of each algorithm."""
    facts: dict[str, Any] = {
        "cbmnet": __version__, "python": platform.python_version(), "cores": os.cpu_count(),
        "base": {name: _version(name) for name in BASE}, "study": {name: _version(name) for name in STUDY},
        "signatures": {name: self_test(name) for name in ("ed25519", "mac")},
    }  # fmt: skip
    missing = [name for group in ("base", "study") for name, v in facts[group].items() if v is None]
    good = not missing and all(facts["signatures"].values())
    if as_json:
        print(json.dumps(facts))
    else:
        print(f"cbmnet {facts['cbmnet']}, Python {facts['python']}, {facts['cores']} cores")
        for group in ("base", "study"):
            print(f"{group}: " + ", ".join(f"{name} {v or 'MISSING'}" for name, v in facts[group].items()))
        said = ", ".join(
            f"{name} {'works' if works else 'FAILS'}" for name, works in facts["signatures"].items()
        )
        print(f"signatures: {said}")
        print("all good" if good else "not all good: install the missing with pip install 'cbmnet[study]'")
    if not good:
        raise typer.Exit(1)


def self_test(signature: str) -> bool:
    """Seals one message, verifies it, and sees a flipped bit refused."""
    from cbmnet.messages import Sender, SignedMessageError  # noqa: PLC0415
    from cbmnet.simulation.keys import REALM, make_signers, make_verifier, trust_store  # noqa: PLC0415
    from cbmnet.streams import Streams  # noqa: PLC0415

    signers, secrets = make_signers(["a"], signature, Streams(0, 0))
    verifier = make_verifier("b", trust_store(signers), secrets, naive=False, ttl_s=60.0)
    sealed = Sender("a", [signers["a"]], REALM).seal(
        "heartbeat", ("b",), {"count": 1}, stream=1, now_ms=0, ttl_ms=1000
    )
    broken = bytearray(sealed.wire)
    broken[-1] ^= 1
    try:
        verifier.check(bytes(broken), 0)
    except SignedMessageError as error:
        return error.code == "BadSignature" and verifier.accept(sealed.wire, 0).id == sealed.id
    return False


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
