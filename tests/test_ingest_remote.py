"""Logs that do not lie on this machine: LiteLLM's PostgreSQL, URLs."""

from __future__ import annotations

import getpass
import glob
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from router_audit.errors import InputError
from router_audit.logfile import Source
from router_audit.stages.ingest import ingest
from tests.test_ingest import pair

SCHEMA = """
CREATE TABLE "LiteLLM_SpendLogs" (
    request_id TEXT PRIMARY KEY, call_type TEXT, api_key TEXT, spend DOUBLE PRECISION, total_tokens INT, prompt_tokens INT,
    completion_tokens INT, "startTime" TIMESTAMP, "endTime" TIMESTAMP, "completionStartTime" TIMESTAMP, model TEXT,
    model_group TEXT, custom_llm_provider TEXT, api_base TEXT, "user" TEXT, metadata JSONB, cache_hit TEXT,
    request_tags JSONB, team_id TEXT, end_user TEXT, session_id TEXT, status TEXT, messages JSONB, response JSONB
);
INSERT INTO "LiteLLM_SpendLogs"
SELECT 'chatcmpl-' || lpad(n::text, 20, '0'), 'acompletion', 'hash', 0.001 * n, 12, 10, 2,
    TIMESTAMP '2026-01-01 00:00:00.25' + n * INTERVAL '1 minute', TIMESTAMP '2026-01-01 00:00:02.25' + n * INTERVAL '1 minute',
    NULL, 'gpt-4o', 'smart', 'openai', '', '', '{"user_api_key_team_alias": "blue"}', 'False', '["prod"]', '', 'u-1', 's-1',
    'success', '[{"role": "user", "content": "hello"}]', '{}'
FROM generate_series(1, 2500) AS n;
"""


def _binaries():
    found = [*glob.glob("/usr/lib/postgresql/*/bin/initdb"), shutil.which("initdb") or ""]
    return Path(next(one for one in found if one)).parent if any(found) else None


@pytest.fixture(scope="module")
def database():
    """A PostgreSQL of our own, on a socket in a folder of its own."""
    pytest.importorskip("psycopg", reason="needs psycopg, the extra `postgres`")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("needs the PostgreSQL server programs")
    user = getpass.getuser()
    if os.geteuid() == 0:  # the server refuses to run as root
        user = "postgres"
        try:
            pwd.getpwnam(user)
        except KeyError:
            pytest.skip("needs a user that PostgreSQL may run as")
    folder = Path(tempfile.mkdtemp(prefix="ra-pg-", dir="/tmp"))
    shutil.chown(folder, user)
    data = folder / "data"

    def run(*words, **more):
        subprocess.run(
            [str(binaries / words[0]), *words[1:]],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
            **more,
        )

    run("initdb", "-D", str(data), "-U", "audit", "--auth=trust", "--no-sync")
    run(
        "pg_ctl",
        "-D",
        str(data),
        "-w",
        "-o",
        f"-k {folder} -c listen_addresses=''",
        "-l",
        str(folder / "log"),
        "start",
    )
    try:
        run(
            "psql",
            "-h",
            str(folder),
            "-U",
            "audit",
            "-d",
            "postgres",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            input=SCHEMA.encode(),
        )
        yield f"postgresql://audit:secret@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_spend_logs_straight_from_the_database(store, database):
    result = ingest(store, [database])
    again = ingest(store, [database])

    assert (result.stored, result.tokens.input, result.tokens.output) == (2500, 25_000, 5_000)
    assert (again.stored, again.duplicates) == (0, 2500)
    ((row),) = store.connection.execute(
        "SELECT started_at::VARCHAR, latency_ms, team, request_model, logged_cost_usd::DOUBLE, messages, file, tags"
        " FROM requests ORDER BY started_at LIMIT 1"
    ).fetchall()
    assert row[:5] == ("2026-01-01 00:01:00.25", 2000.0, "blue", "smart", 0.001)
    assert "hello" in row[5]
    assert "secret" not in row[6]
    assert json.loads(row[7]) == ["prod"]


def test_a_database_without_the_table_is_one_clear_error(store, database):
    with pytest.raises(InputError) as caught:
        ingest(store, [database.replace("/postgres?", "/template1?")])

    assert "LiteLLM_SpendLogs" in caught.value.message
    assert "secret" not in str(caught.value)


def test_a_database_that_is_not_there_is_one_clear_error(store):
    pytest.importorskip("psycopg", reason="needs psycopg, the extra `postgres`")
    with pytest.raises(InputError) as caught:
        ingest(store, ["postgresql://audit:secret@127.0.0.1:1/litellm"])

    assert "secret" not in str(caught.value)


def test_a_url_is_read_by_fsspec(store, tmp_path):
    pytest.importorskip("fsspec", reason="needs fsspec, the extra `urls`")
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(pair(n)) + "\n" for n in range(3)))

    assert ingest(store, [f"file://{path}"]).stored == 3


def test_a_url_that_nothing_here_reads_is_one_clear_error(store):
    pytest.importorskip("fsspec", reason="needs fsspec, the extra `urls`")
    with pytest.raises(InputError) as caught:
        ingest(store, ["nosuch://bucket/log.jsonl"])

    assert "URL cannot be read here" in caught.value.message


def test_no_secret_of_a_url_reaches_the_store():
    source = Source("https://ann:pw@logs.example/day.jsonl?signature=abc")

    assert source.name == "https://logs.example/day.jsonl"
