"""Server-sent events from bytes as they come: `feed(bytes) → events`, whatever the pieces.

Line ends may be LF, CRLF or CR, events may be cut anywhere, in a character too. Only the unfinished event is
kept, and of that no more than `limit` bytes (WHATWG HTML, "Server-sent events").

>>> stream = EventStream()
>>> stream.feed(b"event: ping\\ndata: {}"), stream.at_boundary
([], False)
>>> stream.feed(b"\\n\\n")
[Event(name=b'ping', data=b'{}', span=(0, 21), whole=True)]
>>> stream.at_boundary
True
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["DEFAULT_LIMIT", "Event", "EventStream"]

DEFAULT_LIMIT: Final = 1 << 20

_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = b"\r\n"
_BRACE = ord("}")
_BOUNDARY = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_HEAD_BYTES = 256


class Event(NamedTuple):
    """One event. `span` is where its lines stand in the stream, the blank line after them not included.

    An event over the limit has its name if that came first, no data, and is not `whole`.
    """

    name: bytes
    data: bytes
    span: tuple[int, int]
    whole: bool = True


class EventStream:
    """An event stream's state.

    Events that begin with one of the bytes in `skip` and end with `}` are passed over unparsed: of a model's
    answer nearly all are text that comes in small pieces, and only the few others are of interest.
    """

    __slots__ = (
        "_begun",
        "_carriage",
        "_clean",
        "_head",
        "_limit",
        "_offset",
        "_over",
        "_pending",
        "_skip",
        "_start",
        "_tail",
    )

    def __init__(self, *, skip: tuple[bytes, ...] = (), limit: int = DEFAULT_LIMIT) -> None:
        self._skip = skip
        self._limit = limit
        self._pending = bytearray()
        self._offset = 0  # in the stream, of the first pending byte
        self._begun = False  # past the place where a byte order mark may stand
        self._clean = False  # begun, and nothing is pending
        self._carriage = False  # a CR was seen: boundaries can't be found by LF LF alone
        self._over = False  # the pending event is over the limit and not kept
        self._head = b""  # its first bytes
        self._start = 0  # where it began
        self._tail = b""  # the last two bytes that were fed

    @property
    def at_boundary(self) -> bool:
        """The next byte starts an event: so before the first byte, and after a blank line."""
        # after LF CR an LF may follow that belongs to it: not yet
        return not self._pending and not self._over and self._tail != b"\n\r"

    @property
    def pending(self) -> bytes:
        """What is there of an event that is not finished; empty where it is over the limit."""
        return b"" if self._over else bytes(self._pending)

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; return the events that they finish, less those skipped."""
        if self._clean and data.endswith(b"\n\n"):
            start = self._offset
            self._offset += len(data)
            self._tail = b"\n\n"
            return self._split(data, start)
        return self._feed(data) if data else []

    def _feed(self, data: bytes) -> list[Event]:
        pending = self._pending
        known = len(pending)
        pending += data
        self._tail = (self._tail + data[-2:])[-2:]
        self._carriage = self._carriage or b"\r" in data
        if not self._begun and not self._begin():
            return []
        if not known:
            self._drop_blank_lines()
        end = self._last_boundary(max(known - 3, 0))
        events: list[Event] = []
        if end:
            run = bytes(pending[:end])
            start = self._offset
            del pending[:end]
            self._offset += end
            events = self._split(run, start)
            self._drop_blank_lines()
        if self._over or len(pending) > self._limit:
            self._let_go()
        self._clean = not pending and not self._over
        return events

    def _begin(self) -> bool:
        """Take a byte order mark off; False while it may still be one."""
        if len(self._pending) < len(_BOM) and _BOM.startswith(self._pending):
            return False
        if self._pending.startswith(_BOM):
            del self._pending[: len(_BOM)]
            self._offset += len(_BOM)
        self._begun = True
        self._drop_blank_lines()
        return True

    def _drop_blank_lines(self) -> None:
        """Blank lines before an event mean nothing; one may be the LF of a CR that ended the last event."""
        if self._over or not self._pending or self._pending[0] not in _LINE_ENDS:
            return
        blank = len(self._pending) - len(self._pending.lstrip(_LINE_ENDS))
        del self._pending[:blank]
        self._offset += blank

    def _last_boundary(self, since: int) -> int:
        """Where the last whole event among the pending bytes ends, or 0."""
        end = 0
        if not self._carriage:
            found = self._pending.rfind(b"\n\n", since)
            return found + 2 if found >= 0 else 0
        for match in _BOUNDARY.finditer(self._pending, since):
            end = match.end()
        return end

    def _let_go(self) -> None:
        """Keep of an event over the limit only what its end is found by."""
        if not self._pending:
            return
        if not self._over:
            self._over = True
            self._head = bytes(self._pending[:_HEAD_BYTES])
            self._start = self._offset
        self._offset += max(len(self._pending) - 2, 0)
        del self._pending[:-2]

    def _split(self, run: bytes, offset: int) -> list[Event]:
        """The events of a run that ends with one; `offset` is where the run stands in the stream."""
        events: list[Event] = []
        skip = self._skip
        start, size = 0, len(run)
        plain = b"\r" not in run
        while start < size:
            end = run.find(b"\n\n", start) + 2 if plain else _end_of_event(run, start)
            if end < start:
                break  # an odd number of blank lines
            if run.startswith(skip, start) and run[end - 3] == _BRACE and plain and not self._over:
                start = end
                continue
            event = self._event(run[start:end], offset + start)
            if event is not None:
                events.append(event)
            start = end
        return events

    def _event(self, block: bytes, offset: int) -> Event | None:
        """One event with its blank line; None where it is only comments."""
        stop = offset + len(block) - (2 if block.endswith(b"\r\n") else 1)
        if self._over:
            self._over = False
            name, _ = _fields(self._head.splitlines()[:-1])
            return Event(name or b"", b"", (self._start, stop), whole=False)
        kept = block.lstrip(_LINE_ENDS)
        name, data = _fields(kept.splitlines())
        if name is None and data is None:
            return None
        return Event(name or b"", data or b"", (offset + len(block) - len(kept), stop))


def _end_of_event(run: bytes, start: int) -> int:
    match = _BOUNDARY.search(run, start)
    return match.end() if match is not None else len(run)


def _fields(lines: list[bytes]) -> tuple[bytes | None, bytes | None]:
    """Name and data of an event's lines, None where there is no such field; comments are left out."""
    name: bytes | None = None
    data: list[bytes] = []
    for line in lines:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data.append(value)
    return name, b"\n".join(data) if data else None
