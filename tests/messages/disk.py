"""A disk in memory that can be cut off at any call, and what may be on it afterwards."""

import copy

from cbmnet.messages.file_store import FileStore, System


class Killed(BaseException):
    """The process ends here."""


class _File:
    """What is on the platter, and the writes and cuts since the last sync, in order."""

    def __init__(self):
        self.synced, self.pending = b"", []

    def content(self):
        data = self.synced
        for offset, piece in self.pending:
            if piece is None:
                data = data[:offset]
            else:
                data = data[:offset].ljust(offset, b"\0") + piece + data[offset + len(piece) :]
        return data


class Disk(System):
    """Stands in for the operating system under a `FileStore`.

    `stop_at` is the number of the call (from 0) that never happens; a write may still have put `part` of
    its bytes there. `calls` lists what was asked, a write by its size. `take` limits what one write takes.
    """

    def __init__(self):
        self.names, self.synced_names = {}, {}
        self.open_files, self.locks = {}, set()
        self.calls, self.stop_at, self.part, self.take = [], None, 0, None

    def after(self, power=False, keep_data=True, keep_names=True):
        """The disk as the next process finds it: after a kill, or after a power cut that kept or lost what
        was not synced."""
        fresh = Disk()
        names = self.synced_names if power and not keep_names else self.names
        copies = {}  # one file may have two names' worth of history
        for file in [*self.names.values(), *self.synced_names.values()]:
            if id(file) not in copies:
                new = copies[id(file)] = _File()
                if power:
                    new.synced = file.content() if keep_data else file.synced
                else:
                    new.synced, new.pending = file.synced, list(file.pending)
        fresh.names = {name: copies[id(file)] for name, file in names.items()}
        synced = names if power else self.synced_names
        fresh.synced_names = {name: copies[id(file)] for name, file in synced.items()}
        return fresh

    def fates(self):
        """Every disk the next process may find, by what happened."""
        yield "kill", self.after()
        for data in (True, False):
            for names in (True, False):
                yield f"power cut, data {data}, names {names}", self.after(True, data, names)

    def put(self, path, content):
        """A file as it may have been restored or damaged."""
        file = self.names[path] = self.synced_names[path] = _File()
        file.synced = content

    def get(self, path):
        return self.names[path].content()

    def backup(self):
        return copy.deepcopy(self.after())

    def _call(self, name):
        if self.stop_at is not None and len(self.calls) >= self.stop_at:
            raise Killed
        self.calls.append(name)

    def _new(self, file):
        number = len(self.calls)
        self.open_files[number] = file
        return number

    def lock(self, path):
        if path in self.locks:
            raise BlockingIOError(path)
        self.locks.add(path)
        self.open_files[path] = path
        return path

    def open(self, path, create):
        self._call("open")
        if create:
            self.names[path] = _File()
        elif path not in self.names:
            raise FileNotFoundError(path)
        return self._new(self.names[path])

    def read(self, file):
        self._call("read")
        return self.open_files[file].content()

    def write(self, file, data, offset):
        data = bytes(data[: self.take])
        if self.stop_at == len(self.calls):
            if self.part:
                self.open_files[file].pending.append((offset, data[: self.part]))
            raise Killed
        self._call(len(data))
        self.open_files[file].pending.append((offset, data))
        return len(data)

    def truncate(self, file, size):
        self._call("truncate")
        self.open_files[file].pending.append((size, None))

    def sync(self, file):
        self._call("sync")
        self.open_files[file].synced = self.open_files[file].content()
        self.open_files[file].pending = []

    def rename(self, old, new):
        self._call("rename")
        self.names[new] = self.names.pop(old)

    def sync_folder(self, path):
        self._call("sync folder")
        self.synced_names = dict(self.names)

    def close(self, file):
        if file in self.locks:
            self.locks.discard(file)
        del self.open_files[file]


def points(calls):
    """Every place to stop a run that made these calls: before each, and inside each write."""
    for number, call in enumerate(calls):
        yield number, 0
        if isinstance(call, int):
            for part in range(1, call + 1):
                yield number, part
    yield len(calls), 0


PATH = "/state/guard"


def store(disk, path=PATH):
    return FileStore(path, system=disk)
