"""Which contents are labelled: an unbiased core, a stable draw, near-duplicates together, wrong labels found."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_audit.selection import cluster, select, share, suspects
from router_audit.types import PROFILES


def contents(count: int, seed: int = 0) -> tuple[pl.DataFrame, list[bool]]:
    """Skewed traffic over two strata, and a hidden fact that goes with the weight."""
    rng = np.random.default_rng(seed)
    requests = np.ceil(rng.pareto(1.2, count) * 3 + 1).astype(int).clip(1, 400)
    stratum = rng.choice(["reasoning", "extraction"], count, p=[0.3, 0.7])
    truth = rng.random(count) < np.where(stratum == "reasoning", 0.2, 0.1 + 0.5 * (requests > 8))
    frame = pl.DataFrame(
        {
            "content_hash": [f"c{i:05}" for i in range(count)],
            "requests": requests,
            "stratum": stratum,
            "uncertainty": rng.random(count),
        }
    )
    return frame, truth.tolist()


def test_the_core_alone_estimates_a_share_without_bias_and_with_honest_intervals() -> None:
    frame, truth = contents(1500)
    fact = dict(zip(frame["content_hash"], truth, strict=True))
    weights = frame["requests"].to_numpy()
    true_share = float(weights[np.array(truth)].sum() / weights.sum())
    own = list(range(frame.height))

    estimates, covered = [], 0
    for seed in range(200):
        core = [d for d in select(frame, own, labels=200, seed=seed) if d.stratum == "core"]
        found = share([fact[d.content_hash] for d in core], [d.weight for d in core])
        estimates.append(found.estimate)
        covered += found.low <= true_share <= found.high

    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - true_share) < 4 * error
    assert covered >= 170  # 90% intervals: 180 expected, 170 is more than two standard errors below


def test_the_informative_labels_go_to_doubt_and_traffic() -> None:
    frame, _ = contents(1500)
    drawn = select(frame, list(range(frame.height)), labels=200, seed=1)
    doubt = dict(zip(frame["content_hash"], frame["uncertainty"], strict=True))
    informative = [doubt[d.content_hash] for d in drawn if d.stratum == "informative"]

    assert len(drawn) == len({d.content_hash for d in drawn}) == 200
    assert len(informative) == 100
    assert np.mean(informative) > 0.65


def test_a_log_that_grows_changes_the_draw_little() -> None:
    frame, _ = contents(1600)
    own = list(range(1600))
    before = {
        d.content_hash for d in select(frame[:1500], own[:1500], labels=200, seed=1) if d.stratum == "core"
    }
    after = {d.content_hash for d in select(frame, own, labels=200, seed=1) if d.stratum == "core"}

    assert len(before & after) >= 80


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 9))
def test_a_selection_keeps_to_its_size_and_a_census_is_certain(count: int, labels: int, seed: int) -> None:
    frame, _ = contents(count, seed)
    drawn = select(frame, list(range(count)), labels=labels, seed=seed)

    assert len(drawn) == min(count, labels)
    if count <= labels:
        assert {d.stratum for d in drawn} == {"core"}
        assert sum(d.weight for d in drawn) == pytest.approx(frame["requests"].sum())


def test_near_duplicates_of_one_template_share_one_label() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(5, 64))
    vectors = np.vstack([centre + 0.02 * rng.normal(size=(20, 64)) for centre in centres]).astype(np.float32)
    leaders = cluster(["one"] * 100, [1] * 99 + [50], vectors)
    apart = cluster([f"t{i}" for i in range(100)], [1] * 100, vectors)

    assert len(set(leaders)) == 5
    assert leaders[80] == 99  # the heaviest leads its cluster
    assert len(set(apart)) == 100


def test_flipped_labels_are_found_and_sound_ones_left_alone() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, 400)
    probabilities = np.full((400, 4), 0.04, dtype=np.float32)
    probabilities[np.arange(400), truth] = 0.88
    probabilities += rng.random((400, 4)).astype(np.float32) * 0.05
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    given_labels = truth.copy()
    flipped = set(range(0, 400, 20))
    for row in flipped:
        given_labels[row] = (truth[row] + 1) % 4
    found = suspects([PROFILES[i] for i in given_labels], probabilities, PROFILES)

    rows = {row for row, _, _ in found}
    assert rows <= flipped
    assert len(rows) >= 15
    assert all(looks == PROFILES[truth[row]] for row, looks, _ in found)
    assert suspects([PROFILES[i] for i in truth], probabilities, PROFILES) == []


def test_a_share_of_nothing_and_of_everything() -> None:
    assert share([], []).high == 1.0
    assert share([True] * 30, [1.0] * 30).high == 1.0
    assert share([True] * 30, [1.0] * 30).low == pytest.approx(0.05 ** (1 / 30), abs=1e-6)
