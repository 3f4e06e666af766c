"""How long work tells that it goes on: an observer that the core calls and the command line attaches to."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Watches long work. The core never depends on what it does."""

    def stage(self, name: str, total: int | None) -> None:
        """A stage of work begins; `total` is its size in the units of `advance`, None where unknown."""
        ...

    def advance(self, n: int) -> None:
        """`n` more units are done."""
        ...


class Unwatched:
    """A Progress that nobody looks at."""

    def stage(self, name: str, total: int | None) -> None:
        """Nothing."""

    def advance(self, n: int) -> None:
        """Nothing."""
