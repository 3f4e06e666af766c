"""`router-audit prices`: what a model costs on a day, and where that is known from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from router_audit.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def prices(*words: str) -> Any:
    done = CliRunner().invoke(app, ["prices", *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_one_model_is_one_object_with_the_keys_scripts_rely_on() -> None:
    found = prices("claude-haiku-4-5", "--date", "2026-11-01")

    assert {key: found[key] for key in ("model", "provider", "input_mtok", "output_mtok", "as_of")} == {
        "model": "claude-haiku-4-5",
        "provider": "anthropic",
        "input_mtok": 1.0,
        "output_mtok": 5.0,
        "as_of": "2026-11-01",
    }
    assert found["cache_read_mtok"] == 0.1
    assert found["cache_write_mtok"] == 1.25
    assert found["source"].startswith("genai-prices")
    assert found["service_tiers"]["batch"]["input_mtok"] == 0.5
    assert found["list"]["stale"] is False


def test_several_models_are_a_list_in_which_the_unknown_says_why() -> None:
    found = prices("gemini-2.5-pro", "no-such-model", "--date", "2027-06-01")

    assert found["models"][0]["long_context"][0]["over_input_tokens"] == 200_000
    assert found["models"][1]["unresolved"]
    assert found["list"]["stale"] is True


def test_without_a_name_the_ladders_are_shown() -> None:
    assert {"claude-haiku-4-5", "gemini-2.5-flash"} <= {row["model"] for row in prices()["models"]}


def test_a_users_file_wins_and_a_change_is_announced(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        "[[price]]\nprovider='anthropic'\nmodel='claude-haiku-4-5'\nfrom=2026-01-01\ninput_mtok=0.8\noutput_mtok=4\n"
    )
    found = prices("anthropic/claude-haiku-4-5", "--prices", str(path), "--date", "2026-11-01")

    assert (found["input_mtok"], found["source"]) == (0.8, "prices.toml (prices.toml)")
    assert prices("gemini-3.8-flash", "--date", "2026-11-23")["changes"][0]["on"] == "2027-01-01"


@pytest.mark.parametrize("words", [["no-such-model"], ["claude-haiku-4-5", "--prices", "no/such/file.toml"]])
def test_what_cannot_be_answered_is_one_line_and_exit_code_2(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["prices", *words])

    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


def test_a_person_reads_a_table() -> None:
    shown = CliRunner().invoke(app, ["prices", "claude-opus-4-7"]).stdout

    assert "claude-opus-4-7" in shown
    assert "Cheaper than claude-" in shown
    assert "genai-prices" in shown
