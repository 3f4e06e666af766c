"""Drift: the mix, the content and the templates of two windows; examples are masked."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.month.drifting import stability, two_samples
from router_audit.stages.drift import DriftOptions, drift
from tests.month import Call, day, stored

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store


def cloud(rng: np.random.Generator, n: int, shift: float = 0.0) -> np.ndarray:
    found = rng.normal(size=(n, 60)).astype(np.float32)
    found[:, 0] += shift
    return found


def test_the_index_is_the_published_formula() -> None:
    same = stability("profile", {"a": 500, "b": 500}, {"a": 500, "b": 500})
    moved = stability("profile", {"a": 500_000, "b": 500_000}, {"a": 700_000, "b": 300_000})

    assert (same.index, same.size) == (0.0, "stable")
    assert moved.index == pytest.approx(0.2 * np.log(0.7 / 0.5) - 0.2 * np.log(0.3 / 0.5), rel=1e-4)
    assert moved.size == "moved"
    assert stability("profile", {"a": 90, "b": 10}, {"a": 10, "b": 90}).size == "shifted"
    assert stability("template", {"a": 10}, {"b": 10}).shares[0][1:] in {(1.0, 0.0), (0.0, 1.0)}


def test_the_two_sample_test_keeps_its_level_and_sees_a_shift() -> None:
    rng = np.random.default_rng(1)
    quiet = [two_samples("x", cloud(rng, 120), cloud(rng, 120), rng, level=0.05).differs for _ in range(300)]
    loud = [two_samples("x", cloud(rng, 200), cloud(rng, 200, 2.0), rng).differs for _ in range(20)]

    assert sum(quiet) / 300 <= 0.05 + 2 * (0.05 * 0.95 / 300) ** 0.5
    assert sum(loud) >= 18


def test_identical_content_is_no_drift() -> None:
    rng = np.random.default_rng(2)
    one = np.ones((100, 8), dtype=np.float32)

    assert not two_samples("x", one, one, rng).differs


def test_windows_of_the_store_are_compared_and_examples_masked(store: Store, tmp_path: Path) -> None:
    calls = [Call(f"a{n}", day(0) + timedelta(hours=n), f"Is message {n} spam?", "no") for n in range(60)]
    calls += [Call(f"b{n}", day(30) + timedelta(hours=n), f"Is message {n} spam?", "no") for n in range(60)]
    calls += [
        Call(f"n{n}", day(31) + timedelta(minutes=n), f"Write to anna{n}@example.org about order 4711{n}", "Dear Anna",
             system="You write letters.")
        for n in range(120)
    ]  # fmt: skip
    stored(store, tmp_path, calls)
    rng = np.random.default_rng(3)
    contents = store.connection.sql(
        "SELECT DISTINCT content_hash, messages LIKE '%anna%' FROM requests"
    ).fetchall()
    rows = [
        {"content_hash": name, "encoder": "test", "vector": (rng.normal(size=8) + 3 * odd).tolist()}
        for name, odd in contents
    ]
    store.append("embeddings", pl.DataFrame(rows, schema_overrides={"vector": pl.List(pl.Float32)}))
    found = drift(store, DriftOptions(days=20))

    assert (found.before, found.now) == (60, 180)
    assert {mix.of: mix.size for mix in found.stability}["profile"] == "stable"
    (test,) = found.tests
    assert test.differs
    assert found.drifted
    (new,) = found.new_templates
    assert (new.requests, new.profile) == (120, "classification")
    assert new.example.startswith("Write to [e-mail] about order")
    assert "4711" not in new.example
    assert set(found.untested) == {"extraction", "reasoning", "coordination"}


def test_the_command_tells_a_first_window_from_a_stable_one(store: Store, tmp_path: Path) -> None:
    stored(store, tmp_path, [Call(f"a{n}", day(n), "Is it spam?", "no") for n in range(5)])
    store.connection.close()
    done = CliRunner().invoke(app, ["drift", "--db", str(store.path), "--json"])
    shown = CliRunner().invoke(app, ["drift", "--db", str(store.path)])

    assert json.loads(done.stdout)["since"] is None
    assert "nothing to compare" in shown.stdout
