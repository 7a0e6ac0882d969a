"""What a copy of an answer tells the meter: it can fail on anything without the answer noticing.

>>> reading = Reading(stream=True)
>>> reading.feed(b'event: ping\\ndata: {"type": "pi')
>>> reading.inside_event, reading.usage_quality
(True, 'none')
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from synrouter_cli.proxy.live import place
from synrouter_cli.wire.anthropic import ResponseFacts, UsageTap, read_response
from synrouter_cli.wire.diagnosis import Diagnosis
from synrouter_cli.wire.usage import Usage

_COPY_BYTES: Final = 16 * 1024 * 1024

log = logging.getLogger("synrouter.proxy")


class Reading:
    """Reads usage out of a stream as it passes, or out of a whole answer at its end."""

    def __init__(self, *, stream: bool, encoding: str = "", metered: bool = True) -> None:
        """`encoding` is the answer's Content-Encoding, undone on the copy; without `metered` nothing is
        read at all."""
        self._tap = UsageTap(encoding)
        self._whole = ResponseFacts()
        self._stream = stream
        self._encoding = encoding
        self._copy = bytearray()
        self._failed = False
        self._metered = metered

    @property
    def inside_event(self) -> bool:
        """Whether a stream stands in the middle of an event, as far as is known."""
        return self._stream and not self._failed and not self._tap.at_boundary

    @property
    def may_ping(self) -> bool:
        """Whether something may be put into the stream here."""
        return self._stream and not self._failed and self._tap.at_boundary and not self._tap.complete

    @property
    def started(self) -> bool:
        """Whether the stream's message_start has passed."""
        return self._tap.started

    @property
    def complete(self) -> bool:
        """Whether an answer that ended had said all it had to say; assumed where it can't be read."""
        return not self._stream or not self._metered or self.usage_quality == "estimated" or self._tap.complete

    @property
    def usage(self) -> Usage | None:
        return self._facts.usage

    @property
    def usage_quality(self) -> str:
        """exact | partial | estimated | none"""
        return "estimated" if self._failed else self._facts.usage_quality

    @property
    def model(self) -> str:
        return self._facts.model

    @property
    def message_id(self) -> str | None:
        return self._facts.message_id

    @property
    def stop_reason(self) -> str | None:
        return self._facts.stop_reason

    @property
    def diagnosis(self) -> Diagnosis | None:
        return self._facts.diagnosis

    @property
    def error_type(self) -> str | None:
        return self._facts.error_type

    @property
    def _facts(self) -> UsageTap | ResponseFacts:
        return self._tap if self._stream else self._whole

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes of the answer."""
        if self._metered and not self._failed:
            self._guarded(self._feed, chunk)

    def end(self) -> None:
        """The answer is complete."""
        if self._metered and not self._failed and self._copy:
            self._guarded(self._finish, bytes(self._copy))
        self._copy.clear()

    def _guarded(self, step: Callable[[bytes], None], data: bytes) -> None:
        try:
            step(data)
        except Exception as error:
            self._failed = True
            self._copy.clear()
            log.warning("an answer could not be metered: %s", place(error))

    def _feed(self, chunk: bytes) -> None:
        if self._stream:
            self._tap.feed(chunk)
            return
        if len(self._copy) + len(chunk) > _COPY_BYTES:
            raise OverflowError
        self._copy += chunk

    def _finish(self, body: bytes) -> None:
        self._whole = read_response(body, self._encoding)
