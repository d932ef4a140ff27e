"""Guard and sender across restarts: clean, torn, from a backup, with the state lost."""

import random

import msgpack
import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import Sender
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.durable import BLOCK, DurableGuard, DurableSender
from cbmnet.messages.guard import DIGESTS, WINDOW, ReplayGuard
from cbmnet.messages.state import pack_change, pack_guard, pack_reserved, pack_sender, read_guard, read_sender
from cbmnet.messages.storage import MemoryStorage, Stored
from cbmnet.messages.verifier import MAX_TTL_MS, SKEW_MS

from .disk import PATH, Disk, Killed, points, store
from .parties import MAC, NOW_MS, SECRET, ZERO, code_of, digest, entry, sealed, verifier

COUNT = 10_000
EPOCHS = 1_000, 3_000  # where the traffic begins a new one
STEP_MS = 5
END_MS = NOW_MS + COUNT * STEP_MS
HEARTBEAT = {"count": 1}


def judge(guard):
    return verifier(entry(MAC), realm="sim", secrets={MAC.kid: SECRET}, guard=guard)


def mac(**changes):
    return sealed(MAC, realm="sim", **changes)


def speak(sender, stream=1, now_ms=NOW_MS, count=1, to=("south",)):
    payload = {"count": count}
    return sender.seal("heartbeat", to, payload, stream=stream, now_ms=now_ms, ttl_ms=MAX_TTL_MS)


def accepted(check, wires, now_ms):
    """Which of these envelopes are accepted."""
    return [wire for wire in wires if code_of(check.accept, wire, now_ms) == "Accepted"]


@pytest.fixture(scope="module")
def traffic():
    """10,000 envelopes on 8 streams, every fifth late by three, two new epochs on the way."""
    rng = random.Random(3)
    sender, out = Sender("north", [MAC], "sim"), []
    for number in range(COUNT):
        if number in EPOCHS:
            last_ids = {n: state[2] for n, state in sender._streams.items()}
            sender = Sender("north", [MAC], "sim", sender.epoch + 1, last_ids=last_ids)
        out.append(speak(sender, rng.randrange(8), NOW_MS + number * STEP_MS).wire)
    for number in range(0, COUNT - 3, 5):
        if all(abs(number - start) > 10 for start in EPOCHS):  # an epoch that is over is over
            out[number : number + 4] = [*out[number + 1 : number + 4], out[number]]
    return out


@pytest.fixture(scope="module")
def day(traffic):
    """The traffic accepted on a disk, with a backup taken after 6,000."""
    disk = Disk()
    kept = store(disk)
    check = judge(DurableGuard(kept, NOW_MS, first_start=True))
    assert accepted(check, traffic[:6_000], END_MS) == traffic[:6_000]
    backup = disk.backup()
    assert accepted(check, traffic[6_000:], END_MS) == traffic[6_000:]
    assert check.guard.mark == COUNT
    return disk, backup, check.guard.freeze()


def test_after_a_clean_restart_nothing_is_accepted_twice(day, traffic):
    """The state read back is the state that was; all 10,000 are refused: by digest, by slot, by epoch."""
    disk, _, state = day
    guard = DurableGuard(store(disk.after()), END_MS)
    assert (guard.freeze(), guard.mark) == (state, COUNT)
    assert accepted(judge(guard), traffic, END_MS) == []
    codes = {code_of(judge(guard).check, wire, END_MS) for wire in traffic}
    assert codes == {"Duplicate", "Replayed", "TooOld"}


def test_after_a_torn_tail_only_what_was_never_acted_on_is_accepted(day, traffic):
    """The last change was not stored whole, so its message was not acted on: it alone is taken."""
    disk, _, _ = day
    data = disk.get(PATH)
    for lost in (1, 40, 300):
        torn = Disk()
        torn.put(PATH, data[:-lost])
        check = judge(DurableGuard(store(torn), END_MS))
        assert check.guard.mark == COUNT - 1
        again = accepted(check, traffic if lost == 40 else traffic[-100:], END_MS)
        assert again == traffic[-1:]
        assert accepted(check, traffic[-100:], END_MS) == []


def test_after_a_restored_backup_nothing_is_accepted_twice(day, traffic):
    """The backup forgets 4,000 accepted messages; the boot floor refuses them, also after more restarts.
    Without the caller's word they are taken again, and so are they told by a mark kept outside."""
    _, backup, _ = day
    assert accepted(judge(DurableGuard(store(backup.backup()), END_MS)), traffic, END_MS) == traffic[6_000:]
    for told in ({"restored": True}, {"at_least": COUNT}):
        disk = backup.backup()
        kept = store(disk)
        check = judge(DurableGuard(kept, END_MS, **told))
        assert accepted(check, traffic, END_MS) == []
        kept.close()
        later = END_MS + 3600_000
        check = judge(DurableGuard(store(disk), later, at_least=told.get("at_least", 0)))
        assert check.guard.floor_ms == END_MS + SKEW_MS
        assert accepted(check, traffic, later) == []


def test_after_a_lost_state_nothing_is_accepted_twice(traffic):
    """Nothing stored, and not the first start: all that was issued before is TooOld, for ever."""
    disk = Disk()
    kept = store(disk)
    check = judge(DurableGuard(kept, END_MS))
    assert {code_of(check.accept, wire, END_MS) for wire in traffic} == {"TooOld"}
    kept.close()
    check = judge(DurableGuard(store(disk), END_MS + 3600_000, first_start=True))
    assert accepted(check, traffic, END_MS + 3600_000) == []


def test_the_boot_floor_is_now_and_the_skew():
    """Issued at floor + skew is TooOld, one millisecond later is accepted; TooOld comes before the slot."""
    one, other = (mac(issued_ms=NOW_MS, expires_ms=NOW_MS + 60_000, payload={"count": n}) for n in (1, 2))
    kept = MemoryStorage()
    judge(DurableGuard(kept, NOW_MS, first_start=True)).accept(one.wire, NOW_MS)
    check = judge(DurableGuard(MemoryStorage(kept.load()), NOW_MS + 5, restored=True, skew_ms=700))
    assert code_of(check.check, other.wire) == "TooOld"
    for issued, code in ((NOW_MS + 705, "TooOld"), (NOW_MS + 706, "Accepted")):
        late = mac(issued_ms=issued, expires_ms=issued + 60_000, sequence=2, previous=one.id)
        assert code_of(check.check, late.wire) == code
        assert code_of(check.check, mac(stream=9, issued_ms=issued, expires_ms=issued + 1).wire) == code


def test_a_boot_floor_only_rises():
    """A second restored backup with a clock behind does not lower it; a plain start leaves it."""
    kept = MemoryStorage()
    DurableGuard(kept, NOW_MS)
    backup = kept.load()
    assert DurableGuard(kept, NOW_MS - 10**6, restored=True).floor_ms == NOW_MS + SKEW_MS
    assert DurableGuard(kept, NOW_MS + 10**6).floor_ms == NOW_MS + SKEW_MS
    assert DurableGuard(kept, NOW_MS + 10**6, restored=True).floor_ms == NOW_MS + 10**6 + SKEW_MS
    assert DurableGuard(MemoryStorage(backup), NOW_MS + 1).floor_ms == NOW_MS + SKEW_MS


def test_a_first_start_has_no_floor_and_is_one_once():
    """A start that accepted nothing is remembered as a start: the next one has lost nothing."""
    kept = MemoryStorage()
    assert DurableGuard(kept, NOW_MS, first_start=True).floor_ms == -1
    assert DurableGuard(kept, NOW_MS).floor_ms == -1
    assert DurableGuard(MemoryStorage(), NOW_MS).floor_ms == NOW_MS + SKEW_MS


def test_a_mark_kept_outside_shows_a_backup_once():
    """A mark behind what the caller knows raises the floor, then counts on from what the caller knows."""
    kept = MemoryStorage()
    assert DurableGuard(kept, NOW_MS, first_start=True, at_least=7).floor_ms == NOW_MS + SKEW_MS
    guard = DurableGuard(kept, NOW_MS + 999, at_least=7)
    assert (guard.floor_ms, guard.mark) == (NOW_MS + SKEW_MS, 7)
    late = mac(issued_ms=NOW_MS + 40_000, expires_ms=NOW_MS + 60_000)
    judge(guard).accept(late.wire, NOW_MS + 40_000)
    assert DurableGuard(kept, NOW_MS, at_least=8).mark == guard.mark == 8


@pytest.mark.parametrize("compacted", [False, True])
def test_an_equivocation_against_a_message_from_before_is_caught_with_both(compacted):
    """From the snapshot as from the changes after it; the earlier envelope comes back as evidence."""
    kept = MemoryStorage()
    guard = DurableGuard(kept, NOW_MS, first_start=True)
    one, two = mac(), mac(payload={"count": 2})
    judge(guard).accept(one.wire, NOW_MS)
    if compacted:
        guard.compact()
    assert len(kept.load().records) == (0 if compacted else 1)
    check = judge(DurableGuard(kept, NOW_MS))
    with pytest.raises(SignedMessageError, match="Equivocation") as caught:
        check.accept(two.wire, NOW_MS)
    assert caught.value.evidence == (one.wire, two.wire)
    broken = mac(sequence=2, previous=b"x" * 32)
    with pytest.raises(SignedMessageError, match="ChainBreak") as caught:
        check.accept(broken.wire, NOW_MS)
    assert caught.value.evidence == (one.wire, broken.wire)


def outcome(check, wire):
    """The gap of an accepted envelope, or the code it is refused with and the evidence."""
    try:
        return check.accept(wire, NOW_MS).gap
    except SignedMessageError as error:
        return error.code, error.evidence


@pytest.mark.parametrize("seed", range(4))
def test_a_guard_restarted_at_any_time_judges_as_one_that_never_was(seed):
    """Random traffic, jumps, epochs, copies, equivocations and breaks: restarted after a few messages again
    and again, at every size of snapshot and tail, it gives the same codes, gaps and evidence."""
    rng, kept = random.Random(seed), MemoryStorage()
    terms = {"compact_after": rng.choice((1, 7, 50))}
    plain = judge(ReplayGuard())
    check = judge(DurableGuard(kept, NOW_MS, first_start=True, **terms))
    ids, wires, codes = {}, [], set()
    for number in range(1500):
        if rng.random() < 0.05:
            before = check.guard
            check = judge(DurableGuard(kept, NOW_MS, **terms))
            assert (check.guard.freeze(), check.guard.mark) == (before.freeze(), before.mark)
        place = stream, epoch = rng.randrange(3), int(number > 700 and rng.random() < 0.3)
        top = max((s for n, e, s in ids if (n, e) == place), default=0)
        step = rng.choice((1, 1, 1, 1, 2, 40, 0, -1, -5, -70)) if rng.random() < 0.99 else 700
        sequence = max(1, top + step)
        previous = ids.get((*place, sequence - 1), rng.choice((ZERO, b"x" * 32)))
        terms_of = {"stream": stream, "epoch": epoch, "sequence": sequence, "previous": previous}
        new = mac(**terms_of, payload={"count": 1 if rng.random() < 0.9 else 2})
        wire = rng.choice(wires) if wires and rng.random() < 0.1 else new.wire
        result = outcome(plain, wire)
        assert outcome(check, wire) == result
        if result is not None and type(result[0]) is Code:
            codes.add(result[0])
        elif wire == new.wire:
            ids[*place, sequence] = new.id
            wires.append(wire)
    assert plain.guard.freeze() == check.guard.freeze()
    assert codes >= {"Duplicate", "TooOld", "Equivocation", "ChainBreak"}


def test_no_message_is_acted_on_twice_at_any_kill_point():
    """A guard is stopped before every call and inside every write of its store, over openings, acceptances
    and compactions, and the disk left as a kill or a power cut leaves it. What `accept` returned is refused
    ever after; the message under way may be taken, once."""
    sender = Sender("north", [MAC], "sim")
    wires = [speak(sender, n % 2).wire for n in range(6)]

    def run(disk):
        acted, started = [], False
        try:
            for half in (wires[:3], wires[3:]):
                kept = store(disk)
                check = judge(DurableGuard(kept, NOW_MS, first_start=not started, compact_after=2))
                started = True
                for wire in half:
                    check.accept(wire, NOW_MS)
                    acted.append(wire)
                kept.close()
        except Killed:
            pass
        return acted, started

    whole = Disk()
    assert run(whole) == (wires, True)
    tried = 0
    for number, part in points(whole.calls):
        if part % 97 > 1:
            continue
        disk = Disk()
        disk.stop_at, disk.part = number, part
        acted, started = run(disk)
        for fate, found in disk.fates():
            tried += 1
            check = judge(DurableGuard(store(found), NOW_MS, first_start=not started))
            assert check.guard.floor_ms == -1, (number, part, fate)
            assert accepted(check, wires, NOW_MS) in (wires[len(acted) :], wires[len(acted) + 1 :])
            assert accepted(check, wires, NOW_MS) == []
    assert tried >= 200


def test_a_change_that_could_not_be_stored_is_not_applied():
    """The disk fails: accept passes that on, and the same message is still new to this guard."""

    class Failing(MemoryStorage):
        broken = False

        def append(self, record):
            if self.broken:
                raise OSError("disk")
            super().append(record)

    kept = Failing()
    check = judge(DurableGuard(kept, NOW_MS, first_start=True))
    kept.broken = True
    with pytest.raises(OSError, match="disk"):
        check.accept(mac().wire, NOW_MS)
    assert code_of(check.check, mac().wire) == "Accepted"
    assert check.guard.mark == 0


def test_what_does_not_fit_or_adds_nothing_is_not_stored():
    """Else it would be in the way of the next start."""
    kept = MemoryStorage()
    check = judge(DurableGuard(kept, NOW_MS, first_start=True))
    one, two = (check.check(mac(payload={"count": n}).wire, NOW_MS).change for n in (1, 2))
    check.guard.apply(one)
    check.guard.apply(one)
    for wrong in (
        two,
        one._replace(stream=2, sequence=0),
        one._replace(stream=2, id=b"short"),
        one._replace(stream=2, wire=b""),
        one._replace(stream=2, epoch=2**32),
        one._replace(sender="North"),
        one._replace(stream=2, sequence=True),
    ):
        with pytest.raises(LocalProtocolError):
            check.guard.apply(wrong)
    assert (len(kept.load().records), check.guard.mark) == (1, 1)
    assert DurableGuard(kept, NOW_MS).freeze() == check.guard.freeze()


def test_compaction_keeps_the_records_about_as_heavy_as_the_snapshot():
    """Few streams: after `compact_after` changes. Many: once the changes weigh what the snapshot does."""
    kept = MemoryStorage()
    check = judge(DurableGuard(kept, NOW_MS, first_start=True, compact_after=10))
    most = 0
    for n in range(300):
        check.accept(mac(stream=n).wire, NOW_MS)
        snapshot, records = kept.load()
        assert len(records) == n + 1 or n >= 10
        weight = sum(map(len, records))
        assert len(records) <= 10 or weight <= len(snapshot) + len(records[-1])
        most = max(most, len(records))
    assert 10 < most < 300


def test_a_full_stream_takes_about_100_kib():
    """1,024 slots of two ids, 64 envelopes of a heartbeat; the digest cache comes once for all streams."""
    guard, sender = ReplayGuard(), Sender("north", [MAC], "sim")
    check = judge(guard)
    for n in range(5_000):
        check.accept(speak(sender, now_ms=NOW_MS + n).wire, NOW_MS + n)
    state = guard.freeze()
    one, none = len(pack_guard(1, state)), len(pack_guard(1, state._replace(streams=[])))
    assert 32 * DIGESTS < none < 32 * DIGESTS + 64
    assert 64 * WINDOW < one - none < 100 * 1024


# Malformed state.


def a_guard():
    """A small snapshot, with a jump in one stream."""
    check = judge(ReplayGuard())
    for stream, sequence in ((1, 1), (2, 1), (2, 1030), (2, 1000)):
        check.accept(mac(stream=stream, sequence=sequence).wire, NOW_MS)
    return check.guard


def test_a_guard_snapshot_comes_back_as_it_was():
    """Whatever state a guard can be in."""
    guard = a_guard()
    assert read_guard(pack_guard(7, guard.freeze())) == (7, guard.freeze())
    assert read_guard(pack_guard(0, ReplayGuard().freeze())) == (0, ReplayGuard().freeze())


def row(raw, *path, value):
    """A snapshot with one element, by its path of indices, replaced or (by a function) changed."""

    def put(node, path):
        if not path:
            return value(node) if callable(value) else value
        node = list(node)
        node[path[0]] = put(node[path[0]], path[1:])
        return node

    return msgpack.packb(put(msgpack.unpackb(raw), path))


R, S = (5, 0), (5, 1)  # a stream of one message; one that holds 1000 and 1030, and 1 has left its window

GUARD_FAULTS = [
    ((0,), 2), ((0,), True), ((1,), "sender"), ((2,), -1), ((2,), 2**64 - 1.0), ((3,), -2), ((3,), 2**63),
    ((3,), None), ((4,), b"x" * 31), ((4,), lambda d: d + d[:32]), ((4,), bytes(32) * 2), ((4,), "x" * 32),
    ((4,), b"".join(digest(b"%d" % n) for n in range(DIGESTS + 1))), ((5,), None), ((5,), lambda s: s[::-1]),
    ((5,), lambda s: [s[0], s[0]]), ((5,), lambda s: [s[0][:6], s[1]]), ((), lambda s: [*s, 0]), ((), 7),
    ((*S, 0), "North"), ((*S, 0), b"north"), ((*S, 1), 2**16), ((*S, 1), -1), ((*S, 2), 2**32),
    ((*S, 3), 7), ((*S, 3), -1), ((*S, 4), []), ((*S, 4), None), ((*R, 4), [0]), ((*R, 4), [True]),
    ((*R, 4), [2.0]), ((*R, 4), 1), ((*S, 4), [1030, 1030]), ((*S, 4), [1030, 1000]), ((*S, 4), [1030]),
    ((*S, 5), b""), ((*S, 5), bytes(32)), ((*S, 5), bytes(160)), ((*S, 6), []), ((*S, 6), None),
    ((*R, 6), [b""]), ((*R, 6), ["x"]), ((*S, 6), lambda w: w * 2), ((*R, 6), b"x"),
    ((*R, 6), [bytes(65_537)]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), GUARD_FAULTS)
def test_a_malformed_guard_snapshot_is_corrupt(path, value):
    """Version, kind, type, range, order and count of every field, though every checksum were right."""
    good = pack_guard(7, a_guard().freeze())
    assert row(good, *path, value=lambda node: node) == good
    with pytest.raises(SignedMessageError) as caught:
        DurableGuard(MemoryStorage(Stored(row(good, *path, value=value), [])), NOW_MS)
    assert caught.value.code == Code.STATE_CORRUPT


def test_a_window_that_is_too_wide_is_corrupt():
    """1,024 sequences apart is one too many; the lowest one that left must have left."""
    state = a_guard().freeze()
    stream = state.streams[1]
    slots = [(1030 - 1024, (ZERO, ZERO)), *stream.slots]
    for wrong in (stream._replace(slots=slots), stream._replace(below=7)):
        with pytest.raises(SignedMessageError, match="StateCorrupt"):
            read_guard(pack_guard(1, state._replace(streams=[state.streams[0], wrong])))
    slots = [(1030 - 1023, (ZERO, ZERO)), *stream.slots]
    read_guard(pack_guard(1, state._replace(streams=[state.streams[0], stream._replace(slots=slots)])))


def test_malformed_bytes_are_corrupt_or_another_state_never_another_error():
    """Every bit flipped, every byte missing, and random bytes: StateCorrupt, or what packs back the same
    (such bytes the checksum of the store refuses)."""
    rng = random.Random(1)
    guard, sender = pack_guard(7, a_guard().freeze()), pack_sender(a_sender())
    for raw, read, pack in (
        (guard, read_guard, lambda found: pack_guard(*found)),
        (sender, read_sender, pack_sender),
    ):
        spoilt = [raw[:n] for n in range(len(raw))]
        spoilt += [flip(raw, bit) for bit in range(8 * len(raw))]
        spoilt += [raw + b"\0", b"", *(rng.randbytes(rng.randrange(60)) for _ in range(500))]
        for data in spoilt:
            try:
                found = pack(read(data))
            except SignedMessageError as error:
                found = error.code
            assert found in (data, Code.STATE_CORRUPT)


def flip(data, bit):
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def test_every_flipped_bit_of_a_stored_guard_is_corrupt():
    """Through the file: no flip anywhere is taken for another state or for a torn tail."""
    disk = Disk()
    kept = store(disk)
    check = judge(DurableGuard(kept, NOW_MS, first_start=True))
    check.accept(mac().wire, NOW_MS)
    check.guard.compact()
    check.accept(mac(stream=2).wire, NOW_MS)
    whole = disk.get(PATH)
    for bit in range(8 * len(whole)):
        spoilt = Disk()
        spoilt.put(PATH, flip(whole, bit))
        with pytest.raises(SignedMessageError) as caught:
            DurableGuard(store(spoilt), NOW_MS)
        assert caught.value.code == Code.STATE_CORRUPT


def test_malformed_or_unfitting_changes_are_corrupt():
    """Each record must be a change, and one that could have been applied."""
    change = judge(ReplayGuard()).check(mac().wire, NOW_MS).change
    snapshot, good = pack_guard(0, ReplayGuard().freeze()), pack_change(change)
    assert DurableGuard(MemoryStorage(Stored(snapshot, [good])), NOW_MS).mark == 1
    for records in (
        [b""],
        [good + b"\0"],
        [msgpack.packb([*change[:7]])],
        [msgpack.packb({})],
        [pack_change(change._replace(sequence=0))],
        [pack_change(change._replace(wire="text"))],
        [good, pack_change(change._replace(id=bytes(32)))],
        [pack_change(change._replace(epoch=5)), good],
    ):
        with pytest.raises(SignedMessageError, match="StateCorrupt"):
            DurableGuard(MemoryStorage(Stored(snapshot, records)), NOW_MS)
    with pytest.raises(SignedMessageError, match="StateCorrupt"):
        DurableGuard(MemoryStorage(Stored(None, [good])), NOW_MS)


@pytest.mark.parametrize("now_ms", [-1, 1.5, True, None, 2**63])
def test_a_time_that_cannot_be_is_refused_before_anything_is_stored(now_ms):
    """A floor of another type would be in the way of the next start."""
    kept = MemoryStorage()
    with pytest.raises(LocalProtocolError):
        DurableGuard(kept, now_ms)
    with pytest.raises(LocalProtocolError):
        DurableSender(kept, "north", [MAC], "sim", now_ms)
    for wrong in ({"skew_ms": now_ms}, {"at_least": 2**64 if now_ms == 2**63 else now_ms}):
        with pytest.raises(LocalProtocolError):
            DurableGuard(kept, NOW_MS, **wrong)
    assert kept.load() == Stored(None, [])


# The sender.


def sender_on(kept, now_ms=NOW_MS, **terms):
    return DurableSender(kept, "north", [MAC], "sim", now_ms, **terms)


def a_sender():
    kept = MemoryStorage()
    speak(sender_on(kept))
    speak(sender_on(kept), 2)
    sender = sender_on(kept)
    speak(sender)
    sender.save()
    return read_sender(kept.load().snapshot)


def test_epochs_rise_with_every_start():
    """The clock's seconds, or one more than the last; also with the clock set back."""
    kept, second = MemoryStorage(), NOW_MS // 1000
    starts = [NOW_MS, NOW_MS + 999, NOW_MS + 10_000, NOW_MS - 10**9, NOW_MS + 60_000]
    senders = [sender_on(kept, now_ms) for now_ms in starts]
    assert [s.epoch - second for s in senders] == [0, 1, 10, 11, 60]
    assert [s.ahead_s for s in senders] == [0, 1, 0, 10**6 + 11, 0]
    assert sender_on(MemoryStorage(), 0).epoch == 0


def test_an_older_backup_makes_no_sender_repeat_itself():
    """Backups of any age put back, a second or more apart: no epoch twice, no equivocation at a receiver."""
    rng, kept, backups = random.Random(5), MemoryStorage(), [Stored(None, [])]
    check, epochs, now_ms = judge(ReplayGuard()), [], NOW_MS
    for _ in range(200):
        now_ms += rng.randrange(1000, 5000)
        kept = MemoryStorage(rng.choice([*backups, kept.load()]))
        sender = sender_on(kept, now_ms, block=3)
        epochs.append(sender.epoch)
        for n in range(rng.randrange(6)):
            check.accept(speak(sender, rng.randrange(2), now_ms, count=n).wire, now_ms)
        backups.append(kept.load())
    assert epochs == sorted(set(epochs))


def test_the_epoch_is_stored_before_the_first_message_and_blocks_before_use():
    """In the storage lies never less than what was sealed; within a block nothing is written."""
    kept = MemoryStorage()
    sender = sender_on(kept, block=4)
    assert read_sender(kept.load().snapshot).epoch == sender.epoch
    for n in range(1, 20):
        speak(sender)
        assert len(kept.load().records) == (n + 3) // 4
        mark = sender_on(MemoryStorage(kept.load())).before[1]
        assert mark[:2] == (sender.epoch, (n + 3) // 4 * 4)
    assert BLOCK > 4


def test_nothing_is_sealed_that_could_not_be_reserved():
    """The disk fails: seal passes that on and uses up nothing."""

    class Failing(MemoryStorage):
        broken = False

        def append(self, record):
            if self.broken:
                raise OSError("disk")
            super().append(record)

    kept = Failing()
    sender = sender_on(kept, block=2)
    speak(sender)
    speak(sender)
    kept.broken = True
    with pytest.raises(OSError, match="disk"):
        speak(sender)
    with pytest.raises(OSError, match="disk"):
        speak(sender, 2)
    kept.broken = False
    assert [speak(sender).message.sequence, speak(sender, 2).message.sequence] == [3, 1]
    before = sender_on(MemoryStorage(kept.load())).before
    assert (before[1].reserved, before[2].reserved) == (4, 2)  # the try that failed reserved nothing


@pytest.mark.parametrize("stream", [-1, 2**16, "1", True, 1.0])
def test_a_stream_that_cannot_be_is_refused_and_nothing_reserved(stream):
    """Its reservation would be in the way of the next start."""
    kept = MemoryStorage()
    with pytest.raises(LocalProtocolError):
        speak(sender_on(kept), stream)
    assert kept.load().records == []


def test_a_clean_stop_leaves_no_gap_and_a_crash_says_so():
    """After `save` the next epoch goes on from the last message; after a crash from the last block, (0, 0);
    a stream not used in between keeps its last id through any number of starts."""
    kept, check = MemoryStorage(), judge(ReplayGuard())

    def gap(sender, stream=1):
        return check.accept(speak(sender, stream).wire, NOW_MS).gap

    sender = sender_on(kept)
    assert [gap(sender), gap(sender), gap(sender, 2)] == [None, None, None]
    sender.save()
    sender = sender_on(kept)
    assert [gap(sender), gap(sender)] == [None, None]
    sender = sender_on(kept)
    assert [gap(sender), gap(sender, 2)] == [(0, 0), None]
    sender = sender_on(MemoryStorage(), NOW_MS + 10_000)
    assert gap(sender) == (0, 0)
    assert speak(sender, 3).message.previous == ZERO


def test_a_block_of_one_knows_the_message_before():
    """The last id known is at most one block old."""
    kept = MemoryStorage()
    sender = sender_on(kept, block=1)
    sent = [speak(sender) for _ in range(5)]
    assert speak(sender_on(kept)).message.previous == sent[3].id


def test_numbers_never_repeat_at_any_kill_point():
    """Three starts of a sender over two streams, stopped before every call and inside every write, and the
    disk left as a kill or a power cut leaves it: whatever was sealed lies within what the next start finds
    reserved, its epoch is higher than any that was used, and its storage whole."""

    def run(disk):
        used = []
        try:
            for start in range(3):
                kept = store(disk)
                sender = sender_on(kept, NOW_MS + start, block=2, compact_after=2)
                for n in range(6):
                    message = speak(sender, n % 2).message
                    used.append((message.epoch, message.stream, message.sequence))
                if start == 1:
                    sender.save()
                kept.close()
        except Killed:
            pass
        return used

    whole, tried = Disk(), 0
    every = run(whole)
    assert len(set(every)) == len(every) == 18
    for number, part in points(whole.calls):
        disk = Disk()
        disk.stop_at, disk.part = number, part
        used = run(disk)
        assert used == every[: len(used)]
        for fate, found in disk.fates():
            tried += 1
            sender = sender_on(store(found), NOW_MS + 3)
            for epoch, stream, sequence in used:
                assert (epoch, sequence) <= sender.before[stream][:2], (number, part, fate)
                assert epoch < sender.epoch, (number, part, fate)
    assert tried >= 5000


def test_a_senders_records_are_compacted():
    """However many blocks it takes, its store stays small, and knows as much as before."""
    kept, most = MemoryStorage(), 0
    sender = sender_on(kept, block=1, compact_after=5)
    for n in range(40):
        last = speak(sender, n % 4)
        most = max(most, len(kept.load().records))
    assert most == 5
    sender.save()
    state = read_sender(kept.load().snapshot)
    assert [mark.reserved for mark in state.streams.values()] == [10] * 4
    assert state.streams[3].last_id == last.id


def test_a_sender_takes_only_its_own_state():
    """Another name or realm is the caller's error; a guard's state is corrupt."""
    kept = MemoryStorage()
    sender_on(kept)
    for name, realm in (("south", "sim"), ("north", "live")):
        with pytest.raises(LocalProtocolError):
            DurableSender(kept, name, [MAC], realm, NOW_MS)
    DurableGuard(kept := MemoryStorage(), NOW_MS)
    with pytest.raises(SignedMessageError, match="StateCorrupt"):
        sender_on(kept)


def test_a_sender_at_the_last_epoch_says_so():
    """There is no epoch after 2^32 - 1."""
    kept = MemoryStorage()
    assert sender_on(kept, (2**32 - 1) * 1000).epoch == 2**32 - 1
    with pytest.raises(LocalProtocolError):
        sender_on(kept)
    with pytest.raises(LocalProtocolError):
        sender_on(MemoryStorage(), block=0)


SENDER_FAULTS = [
    ((0,), 2), ((1,), "guard"), ((2,), "North"), ((3,), b"sim"), ((4,), 2**32), ((4,), -1), ((4,), 3),
    ((5,), None), ((5,), lambda s: s[::-1]), ((5,), lambda s: [s[0], s[0]]), ((5, 0), lambda s: s[:3]),
    ((5, 1, 0), 2**16), ((5, 0, 1), 2**32 - 1), ((5, 0, 2), 0), ((5, 0, 3), b"x"), ((), lambda s: s[:5]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), SENDER_FAULTS)
def test_a_malformed_sender_snapshot_is_corrupt(path, value):
    """Version, kind, type, range, order and count of every field."""
    good = pack_sender(a_sender())
    assert row(good, *path, value=lambda node: node) == good
    with pytest.raises(SignedMessageError) as caught:
        sender_on(MemoryStorage(Stored(row(good, *path, value=value), [])))
    assert caught.value.code == Code.STATE_CORRUPT


def test_malformed_or_unfitting_reservations_are_corrupt():
    """A number reserved twice, a record of another shape, records without an epoch."""
    snapshot = pack_sender(a_sender())
    good = pack_reserved(1, 512, ZERO)
    assert sender_on(MemoryStorage(Stored(snapshot, [good]))).before[1].reserved == 512
    for records in (
        [good, good],
        [pack_reserved(1, 256, ZERO)],
        [pack_reserved(2**16, 512, ZERO)],
        [pack_reserved(7, 0, ZERO)],
        [pack_reserved(7, True, ZERO)],
        [pack_reserved(1, 512, b"")],
        [b""],
        [msgpack.packb(7)],
        [good.replace(b"\x93\x01", b"\x93\xcc\x01")],  # one number longer than it need be
        [msgpack.packb([1, 512])],
    ):
        with pytest.raises(SignedMessageError, match="StateCorrupt"):
            sender_on(MemoryStorage(Stored(snapshot, records)))
    with pytest.raises(SignedMessageError, match="StateCorrupt"):
        sender_on(MemoryStorage(Stored(None, [good])))
