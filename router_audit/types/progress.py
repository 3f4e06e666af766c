"""What long work tells whoever is watching. With nobody watching, nothing happens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """An observer of long work."""

    def stage(self, name: str, total: int | None) -> None:
        """A stage of `total` steps begins; None where the end is not known."""
        ...

    def advance(self, n: int = 1) -> None:
        """`n` more steps are done."""
        ...


class Unwatched:
    """The observer that looks away."""

    def stage(self, name: str, total: int | None) -> None:
        """Nothing."""

    def advance(self, n: int = 1) -> None:
        """Nothing."""
