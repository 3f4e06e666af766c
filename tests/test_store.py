"""The store opens, migrates, refuses what it must, and leaves nothing half-written."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl
import pytest

from router_audit.errors import StoreError
from router_audit.store import Store, migration_names, open_store

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_store_holds_every_migration(store: Store) -> None:
    assert store.query("applied_migrations")["name"].to_list() == migration_names()


def test_opening_twice_migrates_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.duckdb"
    with open_store(path):
        pass
    with open_store(path) as store:
        assert store.query("applied_migrations")["name"].to_list() == migration_names()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.duckdb"
    with open_store(path) as store:
        store.run("record_migration", name="9999_from_the_future")
    with pytest.raises(StoreError, match="newer router-audit"), open_store(path):
        pass


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.duckdb"
    path.write_bytes(b"this is not a database, whatever it is called" * 100)
    with pytest.raises(StoreError, match="not a DuckDB file"), open_store(path):
        pass


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.duckdb"
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE t (a)")
        foreign.commit()
    with pytest.raises(StoreError, match="not a DuckDB file"), open_store(path):
        pass


def test_a_store_that_this_process_has_open_is_held(tmp_path: Path) -> None:
    path = tmp_path / "audit.duckdb"
    with open_store(path), pytest.raises(StoreError, match="is held by"), open_store(path):
        pass


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"), open_store(tmp_path / "absent" / "audit.duckdb"):
        pass


def test_a_held_store_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "audit.duckdb"
    hold = (
        "import sys; from pathlib import Path; from router_audit.store import open_store\n"
        "with open_store(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=rf"held by process {holder.pid}"), open_store(path):
            pass
        holder.communicate("")
    with open_store(path, wait_s=5):
        pass


def test_an_error_rolls_the_transaction_back(store: Store) -> None:
    row = {"file": "a.jsonl", "line": 1, "source": "unknown", "reason": "bad", "excerpt": ""}
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.append("rejects", pl.DataFrame([row]))
        raise ZeroDivisionError
    assert store.connection.execute("SELECT count(*) FROM rejects").fetchall() == [(0,)]
