"""Files of JSON lines that users write: every line that is not empty, with its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from router_audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Read = TypeVar("Read")


def read_lines(path: Path, read: Callable[[bytes], Read]) -> Iterator[tuple[int, Read]]:
    """(line, what `read` makes of it) for each line that is not empty. Raises InputError on an unreadable file."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, read(line)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None
