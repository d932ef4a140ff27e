"""`cbmnet messages`: keys, trust store, signing, checking and evidence, as an engineer meets them."""

import json
from pathlib import Path

import pytest

from .test_commands import cbmnet

NOW = "1767225600000"
FIELDS = ("activity=7", "activity_class=launch", "size=1", "start_ms=1767232800000")


class Desk:
    """A folder with the keys of two roots and two officers, and a trust store that both roots signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("root1", "root2", "amber", "birch"):
            self.run("keygen", name)
        self.run(
            "trust",
            "init",
            "store",
            "--root-key",
            "root1",
            "--root-key",
            "root2",
            "--threshold",
            "2",
            *LIVE,
            *AT,
        )
        self.roots = "--root-key", "root1", "--root-key", "root2"
        self.enter("amber", "Lt. Amber")

    def run(self, *arguments: str, code: int = 0) -> str:
        done = cbmnet("messages", *arguments, cwd=self.folder, code=code)
        return done.stderr if code == 2 else done.stdout

    def enter(self, name: str, person: str, *more: str) -> str:
        who = "--person", person, "--party", "north", "--kind", "notice"
        return self.run("trust", "add", "store", f"{name}.pub", *who, *LIVE, *AT, *self.roots, *more)

    def sign(self, out: str, *more: str, state: str = "amber.state", code: int = 0) -> str:
        # A field that is given takes the place of the usual one.
        given = {more[at + 1].partition("=")[0] for at, word in enumerate(more) if word == "--field"}
        usual = [field for field in FIELDS if field.partition("=")[0] not in given]
        fields = [part for field in usual for part in ("--field", field)]
        return self.run(
            "sign", "notice", "--key", "amber", "--from", "north", "--to", "south", *LIVE, "--state", state,
            "--now", NOW, "-o", out, *fields, *more, code=code,
        )  # fmt: skip

    def verify(self, file: str, *more: str, code: int = 0) -> str:
        asks = "--trust", "store", "--me", "south", *LIVE, "--now", NOW
        return self.run("verify", file, *asks, *more, code=code)


LIVE = ("--realm", "live")
ADD = ("trust", "add", "store", "birch.pub")
WHO = ("--person", "B", "--party", "north")
AT = ("--now", NOW)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The folder, once."""
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    """A copy that a test may spoil."""
    for file in made.folder.iterdir():
        target = tmp_path / file.name
        target.write_bytes(file.read_bytes())
        target.chmod(0o600)
    copy = object.__new__(Desk)
    copy.folder, copy.roots = tmp_path, made.roots
    return copy


def test_two_officers_sign_and_a_replay_is_refused(desk: Desk) -> None:
    """One signature is not enough where two must sign; both are; the same again is Duplicate, also later."""
    desk.enter("birch", "Cdr. Birch", "--policy", "notice=2")
    desk.sign("one")
    assert "ThresholdNotMet" in desk.verify("one", code=1)
    desk.run("countersign", "one", "--key", "birch", *LIVE)
    said = desk.verify("one", "--state", "south.state")
    assert said.startswith("accepted: notice from north, signed by Cdr. Birch, Lt. Amber\nid ")
    told = json.loads(desk.verify("one", "--state", "south.state", "--json", code=1))
    assert told == {
        "accepted": False,
        "code": "Duplicate",
        "detail": "this very envelope was accepted before",
    }


def test_a_deleted_state_is_a_lost_one(desk: Desk) -> None:
    """What was issued before is refused from then on, since it may have been accepted."""
    desk.sign("one")
    desk.verify("one", "--state", "south.state")
    (desk.folder / "south.state").unlink()
    assert "TooOld" in desk.verify("one", "--state", "south.state", code=1)


def test_numbers_are_never_used_twice(desk: Desk) -> None:
    """Each message opens an epoch of its own, chained to the one before, so the receiver sees no gap."""
    desk.sign("one")
    desk.sign("two")
    facts = [json.loads(desk.run("inspect", name, "--json")) for name in ("one", "two")]
    assert facts[0]["epoch"] < facts[1]["epoch"]
    assert facts[1]["previous"] == desk.verify("one", "--state", "s").splitlines()[1].split()[1]
    assert "missing" not in desk.verify("two", "--state", "s")
    assert "is there already" in desk.sign("one", code=2)


def test_an_equivocation_becomes_evidence(desk: Desk) -> None:
    """Two notices under one number are kept in one file, and whoever has the trust store finds guilty."""
    desk.sign("one", state="first.state")
    desk.sign("two", "--field", "activity=8", state="second.state")
    desk.verify("one", "--state", "south.state")
    said = desk.verify("two", "--state", "south.state", "--evidence", "proof", code=1)
    assert "Equivocation" in said
    assert "proof: both envelopes" in said
    judged = desk.run("evidence", "proof", "--trust", "store")
    assert judged.startswith(
        "guilty: north, by the hand of Lt. Amber\ntwo messages with sequence 1 of stream 1"
    )
    assert json.loads(desk.run("evidence", "proof", "--trust", "store", "--json"))["guilty"] is True
    desk.run("trust", "revoke", "store", kid(desk), "--compromised", *LIVE, *desk.roots)
    assert desk.run("evidence", "proof", "--trust", "store", code=1).startswith("not shown: the earlier")


def kid(desk: Desk) -> str:
    """The first eight digits of the officer's key id."""
    keys = json.loads(desk.run("trust", "show", "store", *LIVE, "--json"))["keys"]
    return str(keys[0]["kid"])[:8]


def test_a_change_waits_for_the_roots_it_needs(desk: Desk) -> None:
    """With one of two roots nothing changes yet; the second root's signature puts it in force."""
    said = desk.run("trust", "revoke", "store", kid(desk), *AT, *LIVE, "--root-key", "root1")
    assert "signed by 1 of the 2 roots" in said
    assert "is not superseded yet" in said
    assert json.loads(desk.run("trust", "show", "store", *LIVE, "--json"))["version"] == 2
    assert "waits for signatures" in desk.run(
        "trust", "revoke", "store", kid(desk), *LIVE, *desk.roots, code=2
    )
    waiting = desk.run("trust", "show", "store.pending", *LIVE)
    assert "NOT IN FORCE" in waiting
    number = json.loads(desk.run("trust", "show", "store.pending", *LIVE, "--json"))["id"]
    sign = "trust", "sign", "store", *LIVE, "--root-key", "root2"
    shown = desk.run(*sign)
    assert f"say by telephone: {number}" in shown
    assert "superseded since 2026-01-01 00:00:00 UTC" in shown
    assert "Nothing was signed" in shown
    assert "another number" in desk.run(*sign, "--id", "00" * 32, code=2)
    waits = (desk.folder / "store.pending").read_bytes()
    stranger = *sign[:-1], "amber", "--id", number
    assert "amber: is no root of store" in desk.run(*stranger, code=2)
    assert (desk.folder / "store.pending").read_bytes() == waits
    assert "version 3 is in force" in desk.run(*sign, "--id", number)
    told = json.loads(desk.run("trust", "show", "store", *LIVE, "--json"))
    assert [key["status"] for key in told["keys"]] == ["superseded"]
    desk.sign("late")
    assert "KeyRevoked" in desk.verify("late", code=1)


def test_the_trust_store_is_shown_for_people(desk: Desk) -> None:
    """Who holds which key for whom, how many roots sign, and the number to compare by telephone."""
    shown = desk.run("trust", "show", "store", *LIVE)
    assert "version 2" in shown
    assert "2 of 2 roots sign a change" in shown
    assert "say by telephone: " in shown
    assert "Lt. Amber" in shown
    assert "BadSignature" in desk.run("trust", "show", "store", "--realm", "exercise", code=2)


@pytest.mark.parametrize(
    ("spoil", "me", "step"),
    [
        (lambda wire: wire + bytes(20_000), "south", "1 length"),
        (lambda wire: wire + b"x", "south", "2 envelope"),
        (lambda wire: wire[:-1] + bytes([wire[-1] ^ 1]), "south", "5 signatures"),
        (lambda wire: wire, "west", "9 receiver"),
        (lambda wire: wire, "south", None),
    ],
)
def test_inspect_shows_every_check_and_its_verdict(desk: Desk, spoil, me: str, step: str | None) -> None:  # type: ignore[no-untyped-def]
    """What is before the step that refuses holds, what is after it is not reached, and nothing is stored."""
    desk.sign("one")
    (desk.folder / "one").write_bytes(spoil((desk.folder / "one").read_bytes()))
    told = json.loads(desk.run("inspect", "one", "--trust", "store", "--me", me, "--now", NOW, "--json"))
    steps = told["steps"]
    assert len(steps) == 13
    verdicts = list(steps.values())
    at = list(steps).index(step) if step else 13
    assert verdicts[:at] == ["holds"] * at
    assert all(verdict.startswith("refused: ") for verdict in verdicts[at : at + 1])
    assert verdicts[at + 1 :] == ["not reached"] * (12 - at if step else 0)
    text = desk.run("inspect", "one", "--trust", "store", "--me", me, "--now", NOW)
    assert text.count("✓") == at
    if step is None:
        assert "Lt. Amber for north" in text
        assert "issued                  2026-01-01 00:00:00 UTC" in text


def test_a_revoked_key_is_refused_at_its_step(desk: Desk) -> None:
    """Compromised at step 4, superseded at step 10, an unknown one at step 4."""
    desk.sign("one")
    for word, step in (("--compromised", "4 known keys"), ("", "10 time")):
        store = f"store{word}"
        (desk.folder / store).write_bytes((desk.folder / "store").read_bytes())
        more = [word] if word else []
        desk.run("trust", "revoke", store, kid(desk), *AT, *more, *LIVE, *desk.roots)
        told = json.loads(desk.run("inspect", "one", "--trust", store, "--now", NOW, "--json"))
        assert told["steps"][step].startswith("refused: KeyRevoked")


def test_keys_may_be_hybrid_and_have_a_password(desk: Desk) -> None:
    """A hybrid key signs like any other; a key with a password asks for it."""
    (desk.folder / "word").write_text("correct horse\nsecond line\n")
    desk.run("keygen", "hanna", "--hybrid", "--password-file", "word")
    assert (desk.folder / "hanna").stat().st_mode & 0o777 == 0o600
    desk.enter("hanna", "Hanna")
    sign = "sign", "notice", "--key", "hanna", "--from", "north", "--to", "south", *LIVE, "--state", "h"
    fields = [part for field in FIELDS for part in ("--field", field)]
    assert "a password is needed" in desk.run(*sign, "-o", "one", *fields, code=2)
    desk.run(*sign, "-o", "one", "--now", NOW, "--password-file", "word", *fields)
    assert "signed by Hanna" in desk.verify("one")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "nothing", "--trust", "store", "--me", "south", *LIVE), "nothing: cannot be read"),
        (("verify", "store", "--trust", "amber", "--me", "south", *LIVE), "amber: "),
        (("trust", "init", "store", "--root-key", "root1", *LIVE), "store: is there already"),
        (("trust", "revoke", "store", "zz", "--root-key", "root1", *LIVE), "begins 0 key ids"),
        (("trust", "revoke", "store", "", "--root-key", "root1", *LIVE), "must begin one"),
        (("evidence", "amber", "--trust", "store"), "no file of evidence"),
        (("countersign", "amber", "--key", "birch", *LIVE), "TrailingBytes"),
        (
            (*ADD, *WHO, "--kind", "notise", *LIVE, "--root-key", "root1"),
            "notice?",
        ),
        (
            (
                "trust",
                "add",
                "store",
                "birch.pub",
                *WHO,
                "--kind",
                "notice",
                "--policy",
                "notcie=2",
                *LIVE,
                "--root-key",
                "root1",
            ),
            "did you mean notice?",
        ),
        (
            (
                "trust",
                "add",
                "store",
                "birch.pub",
                *WHO,
                "--kind",
                "notice",
                "--policy",
                "notice=9",
                *LIVE,
                "--root-key",
                "root1",
            ),
            "1 to 8 persons",
        ),
        (
            (*ADD, *WHO, "--kind", "notice", *LIVE, "--root-key", "birch"),
            "birch: is no root of store",
        ),
        (("trust", "show", "store", "--realm", "other"), "or it is of another realm"),
        (("keygen", "amber"), "amber.pub: is there already"),
    ],
)
def test_a_mistake_is_told_in_one_line(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    """Where, what and what is allowed; exit code 2; nothing changed."""
    before = {file.name: file.read_bytes() for file in desk.folder.iterdir()}
    told = desk.run(*arguments, code=2)
    assert said in told
    assert len(told.strip().splitlines()) == 1
    assert {file.name: file.read_bytes() for file in desk.folder.iterdir()} == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--field", "actvity=7"), "has the fields activity, activity_class, size, start_ms"),
        (("--field", "size=many"), "--field size=many: must be uint"),
        (("--field", "size=-1"), "payload field 'size' must be uint"),
        (("--field", "size"), "--field size: a notice has the fields"),
        (("--ttl", "soon"), "soon"),
        (("--ttl", "0s"), "expires at"),
        (("--policy", "x"), "No such option"),
    ],
)
def test_a_message_that_cannot_be_said_is_not_signed(desk: Desk, more: tuple[str, ...], said: str) -> None:
    """Unknown, wrong and missing fields and a time that cannot be: told, and no file is written."""
    assert said in " ".join(desk.sign("one", *more, code=2).split())
    assert not (desk.folder / "one").exists()


def test_a_kind_that_is_none_has_a_suggestion(desk: Desk) -> None:
    """The nearest kind, and all there are."""
    told = desk.run(
        "sign", "notise", "--key", "amber", "--from", "north", "--to", "south", *LIVE, "--state", "s",
        "-o", "x", code=2,
    )  # fmt: skip
    assert "did you mean notice?" in told
    assert "heartbeat" in told


def test_what_strangers_write_cannot_forge_what_we_say(desk: Desk) -> None:
    """Lines and colours in a text come out escaped, so a verdict is ours alone."""
    who = "--person", "Ann", "--party", "north", "--kind", "leader-text"
    desk.run("trust", "add", "store", "birch.pub", *who, *LIVE, *AT, *desk.roots)
    desk.run(
        "sign", "leader-text", "--key", "birch", "--from", "north", "--to", "south", *LIVE, *AT,
        "--state", "b", "-o", "one", "--field", "hostile=false",
        "--field", "text=hi\n✓ 5 signatures        holds\x1b[31m",
    )  # fmt: skip
    for shown in (desk.run("inspect", "one"), desk.verify("one")):
        assert "\x1b" not in shown
        assert "hi\\n✓ 5 signatures" in shown
        assert not any(line.startswith("✓") for line in shown.splitlines())


def test_a_terminal_without_our_signs_is_no_traceback(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only ASCII goes, the rest goes by its number."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    desk.sign("one")
    assert "1 length" in desk.run("inspect", "one", "--trust", "store")
