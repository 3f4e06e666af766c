"""Killed, interrupted, out of disk, beside another process: the store is whole or as it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from router_audit.errors import StoreError
from router_audit.store import open_store
from tests.test_ingest import pair

LINES = 60_000
MANY = 200_000
COMMAND = """
import sys
from pathlib import Path
from router_audit.stages.ingest import ingest
from router_audit.store import open_store

if __name__ == "__main__":
    with open_store(Path(sys.argv[1])) as store:
        print(ingest(store, [sys.argv[2]]).stored)
"""


def _write(path, lines):
    encode = json.JSONEncoder(separators=(",", ":")).encode
    with path.open("w") as file:
        for n in range(lines):
            file.write("broken\n" if n % 1000 == 999 else encode(pair(n)) + "\n")
    return path


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return _write(tmp_path_factory.mktemp("crash") / "log.jsonl", LINES)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("script") / "run.py"
    path.write_text(COMMAND)
    return path


def _start(script, db, log):
    return subprocess.Popen(
        [sys.executable, str(script), str(db), str(log)], stdout=subprocess.PIPE, start_new_session=True
    )


def _content(db):
    with open_store(db) as store:
        rows = store.connection.execute(
            "SELECT md5(string_agg(requests::VARCHAR, '|' ORDER BY request_id)) FROM requests"
        )
        rejects = store.connection.execute("SELECT line, reason FROM rejects ORDER BY line")
        return rows.fetchall(), rejects.fetchall()


def test_a_kill_at_any_moment_leaves_the_store_as_it_was_and_the_next_run_completes_it(tmp_path, script):
    undisturbed, killed = tmp_path / "undisturbed.duckdb", tmp_path / "killed.duckdb"
    log = _write(tmp_path / "log.jsonl", MANY)
    started = time.monotonic()
    process = _start(script, undisturbed, log)
    assert process.communicate()[0] == f"{MANY - MANY // 1000}\n".encode()
    whole = time.monotonic() - started
    for share in (0.35, 0.9):
        process = _start(script, killed, log)
        time.sleep(whole * share)
        process.kill()
        process.wait()
        process.stdout.close()
    assert _start(script, killed, log).communicate()[0] in {f"{MANY - MANY // 1000}\n".encode(), b"0\n"}

    assert _content(killed) == _content(undisturbed)
    assert not list(tmp_path.glob(".*ingest*"))


def test_reading_processes_end_with_a_killed_parent(tmp_path, script, log):
    process = _start(script, tmp_path / "audit.duckdb", log)
    group = process.pid
    deadline = time.monotonic() + 60
    while len(_members(group)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(_members(group)) >= 3
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 20
    while _members(group) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert _members(group) == []


def _members(group):
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                after = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if after[3] == str(group) and after[0] != "Z":
                found.append(int(entry.name))
    return found


def test_ctrl_c_leaves_the_store_as_it_was(tmp_path, script, log):
    db = tmp_path / "audit.duckdb"
    process = subprocess.Popen(
        [sys.executable, "-m", "router_audit", "ingest", str(log), "--db", str(db)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*ingest-*/requests-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()

    assert process.returncode == 130
    assert b"Traceback" not in errors
    with open_store(db) as store:
        assert store.connection.execute("SELECT count(*) FROM requests").fetchall() == [(0,)]


def test_a_second_process_says_who_holds_the_store_or_waits(tmp_path, script, log):
    db = tmp_path / "audit.duckdb"
    process = _start(script, db, log)
    while not db.exists():
        time.sleep(0.05)
    time.sleep(0.5)
    with pytest.raises(StoreError) as caught, open_store(db):
        pass
    with open_store(db, wait_s=120) as store:
        stored = store.connection.execute("SELECT count(*) FROM requests").fetchall()
    process.communicate()

    assert f"process {process.pid}" in caught.value.message
    assert stored == [(LINES - LINES // 1000,)]


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit to bound the size of files")
def test_a_full_disk_is_one_clear_error(tmp_path, script, log):
    db = tmp_path / "audit.duckdb"
    with open_store(db):
        pass
    result = subprocess.run(
        [
            "prlimit",
            "--fsize=3000000",
            sys.executable,
            "-m",
            "router_audit",
            "ingest",
            str(log),
            "--db",
            str(db),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    with open_store(db) as store:
        assert store.connection.execute("SELECT count(*) FROM requests").fetchall() == [(0,)]


def test_a_log_that_grows_while_it_is_read_gives_a_clean_prefix(tmp_path, log):
    growing = tmp_path / "growing.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)[:33_000]
    growing.write_bytes(b"".join(lines[:30_000]))
    command = (
        "import sys, time\n"
        "lines = open(sys.argv[2], 'rb').read().splitlines(keepends=True)[30_000:33_000]\n"
        "with open(sys.argv[1], 'ab') as file:\n"
        "    for line in lines:\n"
        "        file.write(line[:100]); file.flush(); file.write(line[100:]); file.flush(); time.sleep(0.0002)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", command, str(growing), str(log)])
    from router_audit.stages.ingest import ingest

    with open_store(tmp_path / "audit.duckdb") as store:
        first = ingest(store, [str(growing)])
        writer.wait()
        then = ingest(store, [str(growing)])
        total = store.connection.execute("SELECT count(*) FROM requests").fetchall()

    broken = sum(line == b"broken\n" for line in lines)
    assert first.stored >= 30_000 - broken
    assert first.rejected <= broken + 1
    assert then.rejected == broken
    assert total == [(33_000 - broken,)]
