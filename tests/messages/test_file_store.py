"""The file store: what survives a crash, what is cut off, and what is damage."""

import os
import random
import stat
import subprocess
import sys
from itertools import pairwise

import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.file_store import (
    MAGIC,
    MAX_RECORD_BYTES,
    FileStore,
    System,
    _frame,
    _guard,
)
from cbmnet.messages.storage import MemoryStorage, Stored

from .disk import PATH, Disk, Killed, points, store

EMPTY = Stored(None, [])


def script():
    """Appends of many sizes, none at all included, and four compactions."""
    rng = random.Random(7)
    sizes = [0, 1, 20, 33, 5, 64, 12, 0, 40, 7, 90, 3, 25, 11, 50, 2]
    for number, size in enumerate(sizes):
        yield "append", bytes([number]) + rng.randbytes(size) if size else b""
        if number in (3, 4, 9, 14):
            yield "replace", b"snapshot %d " % number + rng.randbytes(size)


HISTORY = list(script())


def model(done):
    """What must be stored after these calls."""
    state = EMPTY
    for name, data in done:
        state = Stored(data, []) if name == "replace" else Stored(state.snapshot, [*state.records, data])
    return state


def run(disk, history=HISTORY):
    """The calls that returned, and the one under way when the process was killed, if it was."""
    done, under_way = [], None
    try:
        kept = store(disk)
        kept.load()
        for under_way in history:
            name, data = under_way
            getattr(kept, name)(data)
            done.append(under_way)
        under_way = None
    except Killed:
        pass
    return done, under_way


def load(disk):
    return store(disk).load()


def code(disk):
    """The code a store is refused with, or what it holds."""
    try:
        return load(disk)
    except SignedMessageError as error:
        return error.code


def with_content(content):
    disk = Disk()
    disk.put(PATH, content)
    return disk


def content_of(history):
    disk = Disk()
    run(disk, history)
    return disk.get(PATH)


def stopped(number, part, take=None):
    disk = Disk()
    disk.stop_at, disk.part, disk.take = number, part, take
    return disk, *run(disk)


def all_points(take=None):
    whole = Disk()
    whole.take = take
    assert run(whole) == (HISTORY, None)
    return list(points(whole.calls))


def test_every_kill_point_leaves_what_was_returned_and_nothing_else():
    """A store is stopped before every call to the system and after every byte of every write, 1,000 places
    and more. The next process finds the disk as a killed process or a power cut leaves it, unsynced data
    and names each kept or lost. Stored is then exactly every record whose append returned since the last
    replace that returned; the one call under way has happened whole or not at all; nothing else is there.
    A power cut right after the reopening changes nothing that was read, and appending goes on from it."""
    places = all_points()
    assert len(places) >= 1000
    for number, part in places:
        disk, done, under_way = stopped(number, part)
        allowed = [model(done)] + ([model([*done, under_way])] if under_way else [])
        for fate, found in disk.fates():
            where = number, part, fate
            kept = store(found)
            stored = kept.load()
            assert stored in allowed, where
            assert load(found.after(True, keep_data=False, keep_names=False)) == stored, where
            kept.append(b"next")
            later = load(found.after(True, keep_data=False, keep_names=False))
            assert later == Stored(stored.snapshot, [*stored.records, b"next"]), where


def test_a_kill_while_reopening_loses_nothing():
    """After kill points before, at the start, in the middle and at the end of every call, the reopening is
    itself stopped at each of its calls: the process after that finds every record that was returned, the
    one under way whole or not at all, and nothing else."""
    tried = 0
    for number, part in all_points():
        if part > 1 and part % 25:
            continue
        disk, done, under_way = stopped(number, part)
        allowed = [model(done)] + ([model([*done, under_way])] if under_way else [])
        for _, found in disk.fates():
            whole = found.after()
            load(whole)
            for stop in range(len(whole.calls)):
                again = found.after()
                again.stop_at = stop
                with pytest.raises(Killed):
                    load(again)
                for _, last in again.fates():
                    tried += 1
                    assert load(last) in allowed
    assert tried >= 10_000


def test_a_write_may_take_less_than_it_is_given():
    """Writes of at most 7 bytes give the same file, and the same survives every kill point."""
    disk = Disk()
    disk.take = 7
    run(disk)
    assert disk.get(PATH) == content_of(HISTORY)
    for number, part in all_points(take=7):
        if part in (0, 3):
            disk, done, under_way = stopped(number, part, take=7)
            allowed = [model(done)] + ([model([*done, under_way])] if under_way else [])
            assert all(load(found) in allowed for _, found in disk.fates())


def test_a_file_cut_at_any_byte_is_torn_behind_the_snapshot_and_corrupt_within_it():
    """Every prefix of the file: the records that are whole, or StateCorrupt before the first of them."""
    history = [("replace", b"snapshot"), ("append", b""), ("append", b"one"), ("append", b"two" * 9)]
    whole, ends = content_of(history), [len(content_of(history[:n])) for n in range(1, 5)]
    for size in range(len(whole)):
        complete = sum(end <= size for end in ends)
        expected = model(history[:complete]) if complete else Code.STATE_CORRUPT
        disk = with_content(whole[:size])
        assert code(disk) == expected
        if complete:
            assert disk.get(PATH) == whole[: ends[complete - 1]]


@pytest.mark.parametrize("first", [("replace", b"snapshot"), None])
def test_every_flipped_bit_of_a_whole_file_is_corrupt(first):
    """Length, checksum and chain of the last record included: it never looks torn."""
    history = [*([first] if first else []), ("append", b"one"), ("append", b""), ("append", b"three")]
    whole = content_of(history)
    for bit in range(8 * len(whole)):
        assert code(with_content(flip(whole, bit))) == Code.STATE_CORRUPT


def test_a_flipped_bit_in_a_torn_record_is_corrupt_or_cut_off_with_it():
    """Nothing of the torn record is ever taken, and a flip before it is always found."""
    history = [("replace", b"s"), ("append", b"one"), ("append", b"torn")]
    whole, start = content_of(history), len(content_of(history[:2]))
    before, seen = model(history[:2]), set()
    for size in range(start + 1, len(whole)):
        for bit in range(8 * size):
            result = code(with_content(flip(whole[:size], bit)))
            head = 8 * (start + 4) <= bit < 8 * (start + 12) or (
                size >= start + 12 and bit < 8 * (start + 12)
            )
            assert result in (
                [Code.STATE_CORRUPT] if head or bit < 8 * start else [before, Code.STATE_CORRUPT]
            )
            seen.add(result == before)
    assert seen == {True, False}


def flip(data, bit):
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def parts(history):
    """The header with the snapshot, then each record as it lies in the file."""
    ends = [0, *(len(content_of(history[:n])) for n in range(1, len(history) + 1))]
    whole = content_of(history)
    return [whole[a:b] for a, b in pairwise(ends)]


def test_records_taken_out_moved_doubled_or_from_elsewhere_break_the_chain():
    """Each is StateCorrupt although every record is whole in itself; only the end can go unnoticed."""
    history = [("replace", b"s"), *(("append", b"record %d" % n) for n in range(4))]
    head, *records = parts(history)
    other, *foreign = parts([("replace", b"t"), *history[1:]])
    assert code(with_content(head + b"".join(records))) == model(history)
    for n in range(3):
        for spoilt in (
            records[:n] + records[n + 1 :],
            [*records[:n], records[n + 1], records[n], *records[n + 2 :]],
            [*records[: n + 1], *records[n:]],
            [*records[:n], foreign[n], *records[n + 1 :]],
        ):
            assert code(with_content(head + b"".join(spoilt))) == Code.STATE_CORRUPT
    assert code(with_content(other + b"".join(records))) == Code.STATE_CORRUPT
    # A torn record too must follow the one before it, as far as can be seen of it.
    assert code(with_content(head + records[0][:20])) == model(history[:1])
    for torn in (records[1], foreign[0]):
        assert code(with_content(head + torn[:20])) == Code.STATE_CORRUPT
    assert code(with_content(head + b"".join(records[:2]))) == model(history[:3])


@pytest.mark.parametrize("count", [12, 13, 44, 512])
def test_zeros_behind_the_last_record_are_no_torn_record(count):
    """They may be a record that was acted on, lost by the file system with its length kept."""
    whole = content_of(HISTORY)
    assert code(with_content(whole + bytes(count))) == Code.STATE_CORRUPT


@pytest.mark.parametrize("content", [b"", MAGIC, b"x" * 100, MAGIC[:-1] + b"\x02" + bytes(60)])
def test_another_file_or_another_version_is_corrupt(content):
    """An empty file too: a state file is never seen without its first record."""
    assert code(with_content(content)) == Code.STATE_CORRUPT


def test_a_record_over_the_limit_is_corrupt_whatever_vouches_for_it():
    """2^20 bytes are read and written; one more is neither, and reserves no memory."""
    whole = content_of([("append", bytes(MAX_RECORD_BYTES))])
    assert load(with_content(whole)) == Stored(None, [bytes(MAX_RECORD_BYTES)])
    before = content_of([])
    length = (MAX_RECORD_BYTES + 1).to_bytes(4, "big")
    spoilt = before + length + _guard(before[-32:], length)
    assert code(with_content(spoilt + b"torn")) == Code.STATE_CORRUPT
    frame, _ = _frame(before[-32:], bytes(MAX_RECORD_BYTES + 1))
    assert code(with_content(before + frame)) == Code.STATE_CORRUPT
    kept = store(Disk())
    kept.load()
    with pytest.raises(LocalProtocolError):
        kept.append(bytes(MAX_RECORD_BYTES + 1))
    kept.append(b"the store still works")


def test_damage_leaves_the_file_as_it_is():
    """A person may still read what is left of it; a store that was in use takes nothing after finding it."""
    disk = Disk()
    kept = store(disk)
    kept.load()
    spoilt = flip(content_of(HISTORY), 8 * 100)
    disk.put(PATH, spoilt)
    with pytest.raises(SignedMessageError, match="StateCorrupt"):
        kept.load()
    for change in (kept.append, kept.replace):
        with pytest.raises(LocalProtocolError):
            change(b"x")
    assert disk.get(PATH) == spoilt


class Full(Disk):
    """A disk on which one call fails, once, in the middle of its work."""

    fails = None

    def _call(self, name):
        super()._call(name)
        if self.fails == len(self.calls) - 1:
            raise OSError(28, "No space left on device")

    def write(self, file, data, offset):
        if self.fails == len(self.calls):
            self.open_files[file].pending.append((offset, data[: len(data) // 2]))
        return super().write(file, data, offset)


def test_after_an_error_of_the_disk_the_store_takes_nothing_until_it_is_loaded():
    """Each call that fails is passed on; then append and replace are refused; then loading finds what was
    returned, and the store works on."""
    whole = Disk()
    run(whole)
    for number in range(1, len(whole.calls)):  # call 0 is the opening
        disk, done, failed = Full(), [], False
        disk.fails = number
        kept = store(disk)
        try:
            kept.load()
            for name, data in HISTORY:
                under_way = name, data
                getattr(kept, name)(data)
                done.append(under_way)
        except OSError:
            failed = True
            with pytest.raises(LocalProtocolError):
                kept.append(b"x")
            with pytest.raises(LocalProtocolError):
                kept.replace(b"x")
        assert failed
        stored = kept.load()
        assert stored == model(done) or stored == model([*done, under_way])
        kept.append(b"x")
        kept.close()
        assert load(disk).records[-1] == b"x"
        assert sum(isinstance(name, int) for name in disk.open_files) == 1  # none was left open on the way


@pytest.mark.parametrize("make", [MemoryStorage, lambda: store(Disk())])
def test_both_storages_keep_the_same(make):
    """Appends and replaces in order; an empty snapshot is refused."""
    kept = make()
    assert kept.load() == EMPTY
    for name, data in HISTORY:
        getattr(kept, name)(data)
    with pytest.raises(LocalProtocolError):
        kept.replace(b"")
    assert kept.load() == model(HISTORY)


def test_a_memory_storage_made_from_a_backup_leaves_the_backup_alone():
    """What is appended later is not in it."""
    kept = MemoryStorage()
    kept.append(b"one")
    backup = kept.load()
    MemoryStorage(backup).append(b"two")
    kept.append(b"three")
    assert backup == Stored(None, [b"one"])


def test_a_store_must_be_loaded_first_and_not_after_closing():
    """Appending before loading, or loading after closing, is the caller's error; closing twice is not."""
    kept = store(Disk())
    with pytest.raises(LocalProtocolError):
        kept.append(b"x")
    with pytest.raises(LocalProtocolError):
        kept.replace(b"x")
    with kept:
        kept.load()
    kept.close()
    with pytest.raises(LocalProtocolError):
        kept.load()
    with pytest.raises(LocalProtocolError):
        kept.append(b"x")


# On a true file system.


def test_the_file_is_for_its_owner_alone_and_survives_reopening(tmp_path):
    """Mode 0600 for every file, also after a backup brought another mode; nothing is left over."""
    path = tmp_path / "guard"
    old = os.umask(0)
    try:
        with FileStore(path) as kept:
            kept.load()
            for name, data in HISTORY:
                getattr(kept, name)(data)
        path.chmod(0o644)
        with FileStore(path) as kept:
            assert kept.load() == model(HISTORY)
    finally:
        os.umask(old)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["guard", "guard.lock"]
    assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}
    assert path.read_bytes() == content_of(HISTORY)


def test_a_relative_path_is_that_of_the_opening(tmp_path, monkeypatch):
    """A process that changes its folder goes on writing the same file."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with FileStore("guard") as kept:
        monkeypatch.chdir(tmp_path / "elsewhere")
        kept.load()
        kept.replace(b"snapshot")
    with FileStore(tmp_path / "guard") as kept:
        assert kept.load() == Stored(b"snapshot", [])
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_is_not_followed(tmp_path):
    """The name must be the file itself, else replacing it would leave the linked one behind."""
    (tmp_path / "there").write_bytes(content_of(HISTORY))
    (tmp_path / "guard").symlink_to(tmp_path / "there")
    with FileStore(tmp_path / "guard") as kept, pytest.raises(OSError, match="symbolic"):
        kept.load()


def test_one_store_at_a_time_has_the_file(tmp_path):
    """A second one is refused, in this process and in another, also after a replace; closing frees it."""
    path = tmp_path / "guard"
    other = f"""
from cbmnet.errors import LocalProtocolError
from cbmnet.messages.file_store import FileStore
for path in ({str(path)!r}, {str(tmp_path / "free")!r}):
    try:
        print(FileStore(path).load().records)
    except LocalProtocolError as error:
        print("refused", "in use" in str(error))
"""
    with FileStore(path) as kept:
        kept.load()
        kept.replace(b"snapshot")
        with pytest.raises(LocalProtocolError, match="in use"):
            FileStore(path)
        out = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=True)
        assert out.stdout.splitlines() == ["refused True", "[]"]
    with FileStore(path) as kept:
        assert kept.load() == Stored(b"snapshot", [])


class Fragile(System):
    """The true system, that stops at one call; a write may still put `part` of its bytes there."""

    def __init__(self, stop_at=None, part=0):
        self.calls, self.stop_at, self.part, self.files = [], stop_at, part, set()

    def _call(self, name):
        if self.stop_at is not None and len(self.calls) >= self.stop_at:
            raise Killed
        self.calls.append(name)

    def lock(self, path):
        file = super().lock(path)
        self.files.add(file)
        return file

    def open(self, path, create):
        self._call("open")
        file = super().open(path, create)
        self.files.add(file)
        return file

    def read(self, file):
        self._call("read")
        return super().read(file)

    def write(self, file, data, offset):
        if self.stop_at == len(self.calls) and self.part:
            super().write(file, data[: self.part], offset)
        self._call(len(data))
        return super().write(file, data, offset)

    def truncate(self, file, size):
        self._call("truncate")
        super().truncate(file, size)

    def sync(self, file):
        self._call("sync")
        super().sync(file)

    def rename(self, old, new):
        self._call("rename")
        super().rename(old, new)

    def sync_folder(self, path):
        self._call("sync folder")
        super().sync_folder(path)

    def close(self, file):
        self.files.discard(file)
        super().close(file)

    def end(self):
        """What the end of a process does."""
        for file in self.files:
            os.close(file)


def test_the_disk_in_memory_stands_for_the_true_one(tmp_path):
    """The same calls in the same order, the same file; and on the true file system too what was returned
    survives a process stopped before each call and inside each write."""
    disk, true = Disk(), Fragile()
    run(disk)

    def run_true(system, path, history):
        done, under_way = [], None
        try:
            kept = FileStore(path, system=system)
            kept.load()
            for under_way in history:
                getattr(kept, under_way[0])(under_way[1])
                done.append(under_way)
            under_way = None
        except Killed:
            pass
        system.end()
        return done, under_way

    assert run_true(true, tmp_path / "whole", HISTORY) == (HISTORY, None)
    assert true.calls == disk.calls
    assert (tmp_path / "whole").read_bytes() == disk.get(PATH)
    short, disk = HISTORY[2:6], Disk()  # two appends, two compactions
    run(disk, short)
    for number, part in points(disk.calls):
        if part not in (0, 1, 13) and part != (disk.calls[number] if number < len(disk.calls) else 0):
            continue
        path = tmp_path / f"{number}-{part}"
        done, under_way = run_true(Fragile(number, part), path, short)
        with FileStore(path) as kept:
            stored = kept.load()
            assert stored in [model(done)] + ([model([*done, under_way])] if under_way else [])
            kept.append(b"next")
        with FileStore(path) as kept:
            assert kept.load().records == [*stored.records, b"next"]
            kept.replace(b"s")  # over what a stopped replace may have left
        with FileStore(path) as kept:
            assert kept.load() == Stored(b"s", [])
