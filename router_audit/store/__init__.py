"""The DuckDB file: opening, locking, migrating, and the one way to run a query."""

from __future__ import annotations

import os
import re
import tempfile
import time
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from router_audit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import polars as pl

DEFAULT_PATH = "router_audit.duckdb"
ENVIRONMENT = "ROUTER_AUDIT_DB"

_SQL = files("router_audit.store") / "sql"


def default_path() -> Path:
    """The store named by the environment, else `router_audit.duckdb` here."""
    return Path(os.environ.get(ENVIRONMENT) or DEFAULT_PATH)


def _text(kind: str, name: str) -> str:
    return (_SQL / kind / f"{name}.sql").read_text("utf-8")


def migration_names() -> list[str]:
    """The migrations this version knows, in order."""
    return sorted(
        entry.name.removesuffix(".sql")
        for entry in (_SQL / "migrations").iterdir()
        if entry.name.endswith(".sql")
    )


class Store:
    """An open store. Every statement it runs is a file under `sql/queries`, named after the rows it returns."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def query(self, name: str, /, **params: Any) -> pl.DataFrame:
        """The rows of `sql/queries/NAME.sql` with `$parameters` bound, as a Polars frame."""
        result = self.connection.sql(_text("queries", name), params=params or None)
        frame: pl.DataFrame = result.pl()
        return frame

    def stream(self, name: str, /, *, batch_rows: int, **params: Any) -> Iterator[pl.DataFrame]:
        """The rows of a query in frames of about `batch_rows`, never all in memory.

        The connection is busy until the last frame; `append` writes through another one meanwhile.
        """
        import polars as pl

        reader = self.connection.sql(_text("queries", name), params=params or None).to_arrow_reader(
            batch_rows
        )
        for batch in reader:
            if batch.num_rows:
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame

    def run_aside(self, name: str, /, **params: Any) -> None:
        """Run a statement that sets something, through another connection while this one is busy."""
        self._beside().execute(_text("queries", name), params)

    def run(self, name: str, /, **params: Any) -> int:
        """Run a statement that returns nothing to read; the rows it changed, where DuckDB says."""
        rows = self.connection.execute(_text("queries", name), params or None).fetchall()
        return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0

    def append(
        self,
        table: str,
        frame: pl.DataFrame,
        *,
        on_conflict: Literal["fail", "ignore", "replace"] = "fail",
        aside: bool = False,
    ) -> int:
        """Insert the frame's rows into `table` by column name; how many were given.

        `on_conflict` says what to do with a row whose key is there already; `aside` writes through another
        connection, while a `stream` is being read.
        """
        if frame.is_empty():
            return 0
        if not re.fullmatch(r"[a-z_]+", table):
            raise ValueError(table)
        verb = {"fail": "INSERT", "ignore": "INSERT OR IGNORE", "replace": "INSERT OR REPLACE"}[on_conflict]
        writer = self._beside() if aside else self.connection
        writer.register("incoming", frame.to_arrow())
        try:
            writer.execute(f"{verb} INTO {table} BY NAME SELECT * FROM incoming")
        finally:
            writer.unregister("incoming")
        return frame.height

    def _beside(self) -> duckdb.DuckDBPyConnection:
        """Another connection to the same store."""
        connection = self.connection.cursor()
        connection.execute(_text("queries", "use_store"))
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: an error, or the end of the process, leaves the store as it was."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")


def _begin(path: Path) -> None:
    """Have a new store appear whole: one whose first blocks were cut off by a kill could never be opened again.

    What a kill leaves beside it has the name of an ingest's folder, and goes with those.
    """
    import duckdb

    if path.exists():
        return
    with (
        suppress(OSError),
        tempfile.TemporaryDirectory(prefix=f".{path.name}.ingest-", dir=path.parent) as place,
    ):
        fresh = Path(place) / path.name
        duckdb.connect(str(fresh)).close()
        os.link(fresh, path)  # unlike a renaming, it never replaces the store of another process


_HELD = re.compile("lock|already attached", re.IGNORECASE)
"""What DuckDB says where another process, or another part of this one, has the file open."""

_CONFIG = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "preserve_insertion_order": True,
}


def _connect(path: Path, *, wait_s: float) -> duckdb.DuckDBPyConnection:
    import duckdb

    _begin(path)
    deadline = time.monotonic() + wait_s
    connection = duckdb.connect(config={**_CONFIG, "temp_directory": f"{path}.tmp"})
    while True:
        try:
            connection.execute(_text("queries", "attach_store"), {"path": str(path)})
            connection.execute(_text("queries", "use_store"))
        except duckdb.Error as error:
            if _HELD.search(str(error)) and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            connection.close()
            raise StoreError(_reason(str(error)), where=str(path)) from None
        else:
            return connection


def _reason(error: str) -> str:
    """Why a store cannot be opened, and what to do."""
    if "not a valid DuckDB" in error or "magic bytes" in error:
        return "this is not a DuckDB file; name another with --db"
    if _HELD.search(error):
        holder = re.search(r"PID (\d+)", error)
        who = f"process {holder[1]}" if holder else "another process"
        return f"the store is held by {who}; wait for it to finish, or pass --wait SECONDS"
    if "version" in error.lower():
        return "the file was written by another DuckDB version; name another with --db"
    return (
        f"the store cannot be opened ({error.splitlines()[0]}); check the folder, or name another with --db"
    )


def _migrate(store: Store) -> None:
    store.connection.execute(_text("queries", "create_migrations"))
    done = [row[0] for row in store.connection.execute(_text("queries", "applied_migrations")).fetchall()]
    known = migration_names()
    unknown = sorted(set(done) - set(known))
    if unknown:
        raise StoreError(
            f"the store was written by a newer router-audit (it knows {unknown[-1]}); upgrade, or pass --db",
            where=str(store.path),
        )
    for name in known:
        if name not in done:
            with store.transaction():
                store.connection.execute(_text("migrations", name))
                store.connection.execute(_text("queries", "record_migration"), {"name": name})


@contextmanager
def open_store(path: Path, *, wait_s: float = 0.0) -> Iterator[Store]:
    """Open (or create) and migrate the store at `path`; waits up to `wait_s` seconds for another holder.

    Raises StoreError where the file is held, newer, foreign or cannot be written.
    """
    if not path.parent.exists():
        raise StoreError("the folder does not exist; create it, or pass another --db", where=str(path.parent))
    connection = _connect(path, wait_s=wait_s)
    try:
        store = Store(connection, path)
        _migrate(store)
        yield store
    finally:
        connection.close()
