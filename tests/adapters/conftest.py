"""Reading one real log file without a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from router_audit.adapters.reading import FileReader
from router_audit.logfile import Source, records
from router_audit.types import LoggedRequest, Outcome

if TYPE_CHECKING:
    from pathlib import Path

Read = Callable[[str], list[Outcome]]


def outcomes_of(path: Path) -> list[Outcome]:
    """Everything that becomes of the records of a file."""
    source = Source(str(path))
    reader = FileReader(source.name)
    found: list[Outcome] = []
    for line, record in records(source):
        found.extend(reader.feed(line, record))
    found.extend(reader.close())
    return found


@pytest.fixture
def sample(shared: Path) -> Read:
    """The outcomes of a file under the shared log samples."""
    return lambda name: outcomes_of(shared / "log_samples" / name)


@pytest.fixture
def calls(sample: Read) -> Callable[[str], list[LoggedRequest]]:
    """The calls in a file under the shared log samples."""
    return lambda name: [found for found in sample(name) if isinstance(found, LoggedRequest)]


@pytest.fixture
def logged(tmp_path: Path) -> Callable[[str], list[Outcome]]:
    """The outcomes of a text, read as a file."""

    def read(text: str, name: str = "log.jsonl") -> list[Outcome]:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return outcomes_of(path)

    return read
