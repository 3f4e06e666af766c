"""Two routing tables from their files, compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from router_audit.errors import InputError
from router_audit.files.tables import read_table, versions
from router_audit.month.comparison import compare

if TYPE_CHECKING:
    from router_audit.types.table_diff import TableDiff


def diff(old: str, new: str | None, folder: Path) -> TableDiff:
    """Compare two tables, each named by its file or by its version in `folder`; the newest where `new` is None.

    Raises InputError where one is not there or is not sound.
    """
    if new is None:
        found = versions(folder)
        if not found:
            raise InputError("holds no routing table; name two files", where=str(folder))
        newest = found[-1]
    else:
        newest = table_path(new, folder)
    return compare(read_table(table_path(old, folder)), read_table(newest))


def table_path(name: str, folder: Path) -> Path:
    """The file of a table: a path as it stands, `v0003` (or `3`) in the folder."""
    match = re.fullmatch(r"v?(\d{1,9})", name)
    if match is None:
        return Path(name)
    path = folder / f"v{int(match[1]):04d}.json"
    if not path.is_file():
        raise InputError(f"holds no table {path.stem}; name one that is there, or a file", where=str(folder))
    return path
