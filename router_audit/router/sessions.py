"""The model that serves a session, so that its prompt cache stays warm."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.types import Decision

SESSIONS = 10_000
"""Sessions whose model is remembered, the least recent forgotten first."""
SESSION_S = 3600.0
"""A session idle for longer has no warm cache to keep: one hour is the longest any provider sells."""


class Sessions:
    """Session to the model that last served it, and the table that said so; safe between threads."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[str, str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def held(self, session_id: str | None, version: str) -> str | None:
        """The model that serves a session under the table `version`; None where its cache is cold."""
        if session_id is None:
            return None
        with self._lock:
            entry = self._seen.get(session_id)
        if entry is None or entry[0] != version or time.monotonic() - entry[2] > SESSION_S:
            return None
        return entry[1]

    def remember(self, session_id: str | None, decision: Decision) -> None:
        """Note who serves a session now; a request that stays with its own model tells nothing."""
        if session_id is None or not decision.moved or decision.model is None:
            return
        with self._lock:
            self._seen[session_id] = (decision.table_version, decision.model, time.monotonic())
            self._seen.move_to_end(session_id)
            while len(self._seen) > SESSIONS:
                self._seen.popitem(last=False)
