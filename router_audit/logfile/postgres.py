"""Rows of LiteLLM's spend log, straight from its PostgreSQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.logfile.record import Bad, Numbered, printable
from router_audit.logfile.tables import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.logfile.paths import Source

SCHEMES = ("postgresql://", "postgres://")
TABLE = "LiteLLM_SpendLogs"
_BATCH = 2000


def is_database(path: str) -> bool:
    """Whether the path is the URL of a PostgreSQL database."""
    return path.startswith(SCHEMES)


def spend_log_rows(source: Source) -> Iterator[Numbered]:
    """A record per row of the spend log, oldest first, fetched in batches; nothing is written.

    Raises InputError where psycopg is missing or the database cannot be reached.
    """
    try:
        import psycopg
        from psycopg.rows import dict_row
    except ImportError:
        raise InputError(
            "reading from PostgreSQL needs psycopg (pip install 'psycopg[binary]'), or export the table as CSV first",
            where=source.name,
        ) from None
    number = 0
    try:
        with psycopg.connect(source.path, row_factory=dict_row, connect_timeout=10) as connection:
            connection.read_only = True
            with connection.cursor("router_audit") as cursor:
                cursor.itersize = _BATCH
                cursor.execute(f'SELECT * FROM "{TABLE}" ORDER BY "startTime"')
                for row in cursor:
                    number += 1
                    yield number, _record(row)
    except psycopg.Error as error:
        reason = printable(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
        if not number:
            raise InputError(f"the spend log cannot be read ({reason})", where=source.name) from None
        yield number, Bad(f"the database broke off here ({reason})")


def _record(row: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = plain(row)
    return made
