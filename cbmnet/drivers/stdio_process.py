"""A node's process and its pipes: a line goes in, the next line that comes out is its answer.

The pipes are POSIX ones. Real time matters here alone: a node that does not answer in time is ended.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO

ANSWER_LIMIT_S = 10.0
END_LIMIT_S = 1.0
MAX_LINE_BYTES = 1 << 24
TAIL_BYTES = 2048


class NodeProcessError(Exception):
    """The process gave no line; what it said last on standard error is in the text. It has been ended."""


class NodeProcess:
    """A process that answers lines; end it with `close()`, or use it as a context manager.

    `command` is the program and its arguments, `limit_s` the real time for each answer. OSError if there is
    no such program.
    """

    def __init__(self, command: Sequence[str], limit_s: float = ANSWER_LIMIT_S) -> None:
        pipe = subprocess.PIPE
        self._limit_s, self._held, self._tail = limit_s, bytearray(), b""
        self._process = subprocess.Popen(
            list(command), stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, process_group=0
        )
        for stream in self._streams():
            os.set_blocking(stream.fileno(), False)
        self.user: object = None  # the endpoint that speaks to it; an earlier one has no say any more

    @property
    def is_open(self) -> bool:
        """Whether it can still be asked."""
        return self._process.stdin is not None and not self._process.stdin.closed

    def ask(self, line: bytes) -> bytes:
        """The answer to a line. NodeProcessError if none comes in time, or none can come."""
        if not self.is_open:
            raise NodeProcessError("its process was ended before")
        if b"\n" in self._held:
            raise self.failed(f"said {_short(bytes(self._held))} without being asked")
        try:
            return self._exchange(line)
        except OSError as error:
            raise self.failed(f"its pipes broke: {error}") from None

    def failed(self, why: str) -> NodeProcessError:
        """Ends the process, and gives the error with its last words."""
        self.close()
        code = self._process.returncode
        ended = "" if code in (None, -signal.SIGTERM) else f"; exit code {code}"
        words = self._tail.decode("utf-8", "replace").strip()
        return NodeProcessError(f"{why}{ended}" + (f"; its last words:\n{words}" if words else ""))

    def close(self) -> None:
        """Ends the process: by the end of its input, then by signals; waits until it is gone."""
        process = self._process
        assert process.stdin is not None
        process.stdin.close()
        for number in (0, signal.SIGTERM, signal.SIGKILL):
            if number:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_LIMIT_S)
                break
        self._listen()
        for stream in self._streams():
            stream.close()

    def __enter__(self) -> "NodeProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _streams(self) -> list[IO[bytes]]:
        process = self._process
        return [s for s in (process.stdin, process.stdout, process.stderr) if s is not None and not s.closed]

    def _exchange(self, line: bytes) -> bytes:
        until_s, rest = time.monotonic() + self._limit_s, memoryview(line)
        stdin, stdout, stderr = self._streams()
        with selectors.DefaultSelector() as selector:
            selector.register(stdin, selectors.EVENT_WRITE)
            selector.register(stdout, selectors.EVENT_READ)
            selector.register(stderr, selectors.EVENT_READ)
            while (end := self._held.find(b"\n")) < 0:
                ready = selector.select(max(0.0, until_s - time.monotonic()))
                if not ready:
                    raise self.failed(f"gave no answer within {self._limit_s:g} s")
                for key, _ in ready:
                    if key.fileobj is stdin:
                        rest = rest[os.write(key.fd, rest) :]
                        if not rest:
                            selector.unregister(stdin)
                    elif not (chunk := os.read(key.fd, 1 << 16)):
                        if key.fileobj is stdout:
                            raise self.failed("ended without an answer")
                        selector.unregister(stderr)
                    elif key.fileobj is stderr:
                        self._tail = (self._tail + chunk)[-TAIL_BYTES:]
                    else:
                        self._held += chunk
                if len(self._held) > MAX_LINE_BYTES:
                    raise self.failed(f"said more than {MAX_LINE_BYTES} bytes without an end of the line")
        answer = bytes(self._held[:end])
        del self._held[: end + 1]
        return answer

    def _listen(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        if stderr.closed:
            return
        with suppress(OSError):
            while chunk := os.read(stderr.fileno(), 1 << 16):
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]


def _short(said: bytes) -> str:
    return repr(said[:80])[1:] + ("..." if len(said) > 80 else "")
