"""Labels by hand: files in and out, and the keyboard flow in a real terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.store import open_store
from tests.conftest import ROOT
from tests.labelled_log import write_log

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "audit.duckdb"
    log = write_log(tmp_path / "log.jsonl")
    for words in (["ingest", str(log)], ["tag"]):
        done = CliRunner().invoke(app, [*words, "--db", str(path), "--quiet"])
        assert done.exit_code == 0, done.output
    return path


def run(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def human(db: Path) -> list[str]:
    with open_store(db) as store:
        rows = store.connection.execute("SELECT profile FROM labels WHERE labeller = 'human'").fetchall()
    return sorted(row[0] for row in rows)


def test_an_export_comes_back_and_only_what_changed_is_a_persons_word(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    wrote = run("label", "--export", str(file), "--db", str(db))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[2] |= {"profile": None, "labeller": "builtin"}  # as the export of an abstention stands
    lines[0]["profile"] = "coordination" if lines[0]["profile"] != "coordination" else "reasoning"
    lines[1]["profile"] = "poetry"
    file.write_text(
        "".join(json.dumps(line) + "\n" for line in lines) + "{not json\n" + '{"profile": "reasoning"}\n'
    )
    read = run("label", "--import", str(file), "--db", str(db))

    assert wrote["labels"] == len(lines) == 72
    assert all(line["messages"] and line["system"] for line in lines)
    assert (read["records"], read["stored"], read["unchanged"], read["rejected"]) == (74, 1, 70, 3)
    assert any(f"{file.name}:2: `profile` is none of" in reason for reason in read["reasons"])
    assert human(db) == [lines[0]["profile"]]


def test_a_persons_word_wins_in_training_and_in_the_export(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    run("label", "--export", str(file), "--db", str(db))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    said = [{"request_id": line["request_id"], "profile": "coordination"} for line in lines]
    file.write_text("".join(json.dumps(line) + "\n" for line in said))
    read = run("label", "--import", str(file), "--db", str(db))
    again = run("label", "--import", str(file), "--db", str(db))
    run("label", "--export", str(file), "--db", str(db))
    out = [json.loads(line) for line in file.read_text().splitlines()]

    assert (read["stored"], again["stored"], again["unchanged"]) == (72, 0, 72)
    assert {line["profile"] for line in out} == {"coordination"}
    assert {line["labeller"] for line in out} == {"human"}
    trained = run("train", "--db", str(db))
    assert trained["labels"] == {"human": 72}


@pytest.mark.parametrize("words", [["--show"], [], ["--show", "--export", "x.jsonl"]])
def test_wrong_use_is_one_line(words: list[str], db: Path) -> None:
    done = CliRunner().invoke(app, ["label", *words, "--db", str(db)])

    assert done.exit_code == 2
    assert "Traceback" not in done.output


class Terminal:
    """A command in a pseudo-terminal, typed at key by key."""

    def __init__(self, *words: str) -> None:
        self.handle, child = pty.openpty()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "router_audit", *words],
            stdin=child, stdout=child, stderr=child, cwd=ROOT, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(child)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 90
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            ready, _, _ = select.select([self.handle], [], [], 0.2)
            if ready:
                try:
                    data = os.read(self.handle, 65536)
                except OSError:
                    data = b""
                assert data, self.seen[-2000:]
                self.seen += data.decode("utf-8", "replace")

    def press(self, key: str) -> None:
        self.seen = ""
        os.write(self.handle, key.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.handle)

    def end(self) -> int:
        return self.process.wait(60)


def test_the_keyboard_flow_in_a_real_terminal(db: Path) -> None:
    with Terminal("label", "--show", "--db", str(db)) as terminal:
        terminal.wait_for("q quit")
        assert "1 of 72" in terminal.seen
        assert "builtin says" in terminal.seen
        terminal.press("o")
        terminal.wait_for("2 of 72")
        terminal.press("s")
        terminal.wait_for("3 of 72")
        terminal.press("z\x1b[A\r")  # no such key, an arrow, and enter typed ahead of them all
        terminal.wait_for("4 of 72")
        terminal.press("e")
        terminal.wait_for("5 of 72")
        terminal.press("u")
        terminal.wait_for("4 of 72")
        terminal.press("q")
        terminal.wait_for("2 human labels in the store")

        assert terminal.end() == 0
    assert len(human(db)) == 2
    assert "coordination" in human(db)
