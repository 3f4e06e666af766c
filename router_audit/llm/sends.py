"""What really leaves during one call: an SDK retries by itself, and a send whose answer is lost may be billed.

Both SDKs send through httpx, whose event hooks see every attempt. A provider that says no before any work
(FREE) costs nothing; a timeout, a dropped connection or a server error may have been billed all the same.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FREE = frozenset({400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429, 501, 503, 529})
"""Statuses of a request that was turned away: not answered, not billed."""


class Sends(threading.local):
    """The attempts of the call that this thread makes."""

    sent = 0
    free = 0
    held = 1
    """Attempts whose worst case is set aside."""
    permit: Callable[[], bool] | None = None

    def begin(self, permit: Callable[[], bool] | None) -> None:
        """A new call; `permit` sets the worst case of one more attempt aside, or says no."""
        self.sent, self.free, self.held, self.permit = 0, 0, 1, permit

    def lost(self, *, answered: bool) -> int:
        """Attempts that may have been billed without an answer."""
        return self.sent - self.free - answered

    def hooks(self, stop: type[Exception]) -> dict[str, list[Callable[[Any], None]]]:
        """Httpx event hooks; `stop` is an error that the SDK does not retry."""

        def before(_: Any) -> None:
            if self.sent - self.free >= self.held:
                if self.permit is not None and not self.permit():
                    raise stop("the budget cannot hold another attempt")
                self.held += 1
            self.sent += 1

        def after(response: Any) -> None:
            if response.status_code in FREE:
                self.free += 1

        return {"request": [before], "response": [after]}
