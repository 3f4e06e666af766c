"""Rows of CSV, Parquet and SQLite."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from router_audit.logfile.record import MAX_RECORD, Bad, Numbered, printable
from router_audit.logfile.streams import BROKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.logfile.paths import Source

_NAME = re.compile(r"[\w .:/()$%#-]{1,120}")
_BATCH = 1000


def csv_delimiter(first_line: str) -> str | None:
    """The delimiter of a CSV header: at least three plain names; None where the line is no header."""
    for delimiter in (",", "\t", ";"):
        try:
            names = next(csv.reader([first_line], delimiter=delimiter), [])
        except csv.Error:  # a lone carriage return, or a field beyond the limit
            return None
        if len(names) >= 3 and len(set(names)) == len(names) and all(_NAME.fullmatch(name) for name in names):
            return delimiter
    return None


def csv_rows(stream: io.BufferedReader, delimiter: str) -> Iterator[Numbered]:
    """A record of texts per row, named by the header; the line is that of the row's end."""
    csv.field_size_limit(MAX_RECORD)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    rows = csv.reader(text, delimiter=delimiter)
    try:
        names = next(rows)
        for row in rows:
            if len(row) == len(names):
                yield rows.line_num, dict(zip(names, row, strict=True))
            elif row:
                reason = f"{len(row)} columns where the header has {len(names)}"
                yield rows.line_num, Bad(reason, printable(delimiter.join(row)))
    except csv.Error as error:
        yield rows.line_num, Bad(f"not CSV from here on ({error})")
    except BROKEN as error:
        yield rows.line_num + 1, Bad(f"the file breaks off here ({error})")
    except StopIteration:
        return


def plain(value: Any) -> Any:
    """A cell as JSON has it: times as ISO text, decimals as text, bytes left out."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return str(value)


def parquet_rows(source: Source) -> Iterator[Numbered]:
    """A record per row, structs and lists as JSON has them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(source.path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, plain(row)
    except (pa.ArrowException, OSError) as error:
        reason = f"not readable as Parquet ({str(error).splitlines()[0][:160]})"
        yield number, Bad(reason, whole_file=number == 0)


def _connect(path: str) -> sqlite3.Connection:
    # immutable: a log database in use may be locked, and reading must never create -wal or -shm beside it.
    wal = Path(f"{path}-wal")
    mode = "ro" if wal.exists() and wal.stat().st_size else "ro&immutable=1"
    return sqlite3.connect(f"file:{quote(str(Path(path).resolve()))}?mode={mode}", uri=True)


def sqlite_record(source: Source) -> Iterator[Numbered]:
    """One record, `{"sqlite": PATH, "tables": [NAME, ...]}`: an adapter asks for the rows it knows."""
    try:
        tables = [
            row["name"]
            for row in sqlite_rows(source.path, "SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
    except sqlite3.Error as error:
        yield 0, Bad(f"not readable as SQLite ({error})", whole_file=True)
        return
    yield 1, {"sqlite": source.path, "tables": sorted(tables)}


def sqlite_rows(path: str, query: str) -> Iterator[dict[str, Any]]:
    """The rows of a query on a SQLite file, opened read-only, as dicts; raises sqlite3.Error."""
    connection = _connect(path)
    try:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for row in connection.execute(query):
            yield {name: plain(row[name]) for name in row.keys()}  # noqa: SIM118  a Row iterates over values
    finally:
        connection.close()
