"""A table in the form another tool takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.errors import UserError
from router_audit.exporters import EXPORTERS
from router_audit.files.tables import newest_table, read_table
from router_audit.files.writing import write_whole

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written."""

    to: str
    table_version: str
    filename: str
    """What the file is usually called."""
    path: Path | None
    """Where it was written; None where it was only printed."""
    text: str


def export(table: Path, to: str, out: Path | None) -> ExportResult:
    """The table (a file, or the newest of a folder) for one target.

    Raises UserError on an unknown target, InputError where a file cannot be read or written.
    """
    member = next((member for member in EXPORTERS if member.name == to), None)
    if member is None:
        raise UserError(
            f"takes one of {', '.join(known.name for known in EXPORTERS)}, not {to!r}", where="--to"
        )
    document = read_table(newest_table(table) if table.is_dir() else table)
    text = member.export(document)
    if out is not None:
        write_whole(out, text)
    return ExportResult(to, document["version"], member.filename, out, text)
