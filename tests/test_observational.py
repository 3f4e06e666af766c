"""Unpaired outcomes: the difference where it is identified, silence where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from router_audit.certify.observational import compare


def world(n, *, pull=1.0, harm=0.0, seed=0):
    """The harder a request the likelier the incumbent served it: the raw difference misleads."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=n)
    candidate = rng.random(n) < expit(-pull * hard)
    ok = rng.random(n) < np.clip(expit(1.5 - hard) - harm * candidate, 0, 1)
    return np.column_stack([hard, rng.normal(size=n)]), candidate, ok, np.arange(n) // 2


def test_it_undoes_the_choice_of_model():
    features, candidate, ok, sessions = world(8000)
    raw = ok[~candidate].mean() - ok[candidate].mean()
    found = compare(features, candidate, ok, sessions, np.random.default_rng(1))

    assert raw < -0.1  # the candidate looks far better than it is
    assert found.identified
    assert abs(found.harm) < 0.03
    assert "no unmeasured reason" in found.assumption


def test_the_interval_covers_the_truth():
    hits = 0
    for seed in range(40):
        features, candidate, ok, sessions = world(1500, harm=0.1, seed=seed)
        truth = np.mean(expit(1.5 - features[:, 0]) - np.clip(expit(1.5 - features[:, 0]) - 0.1, 0, 1))
        found = compare(features, candidate, ok, sessions, np.random.default_rng(seed))
        hits += found.harm_low <= truth <= found.harm_high
    assert hits >= 34


def test_the_outcome_model_may_be_wrong_where_the_choice_was_random():
    rng = np.random.default_rng(5)
    features = rng.normal(size=(6000, 1))
    candidate = rng.random(6000) < 0.3
    ok = rng.random(6000) < np.where(np.abs(features[:, 0]) > 1, 0.9, 0.4) - 0.05 * candidate
    found = compare(features, candidate, ok, np.arange(6000), rng)
    assert found.harm == pytest.approx(0.05, abs=0.04)
    assert not found.provisional(0.05)
    assert found.provisional(0.2)


def test_without_overlap_it_is_not_identifiable():
    found = compare(*world(4000, pull=8.0), np.random.default_rng(1))
    assert not found.identified
    assert "could have gone to either" in found.reason
    assert np.isnan(found.harm)
    assert not found.provisional(0.5)


def test_a_candidate_that_hardly_served_is_not_identifiable():
    features, candidate, ok, sessions = world(500)
    candidate[:] = False
    candidate[:20] = True
    found = compare(features, candidate, ok, sessions, np.random.default_rng(1))
    assert "the candidate served 20 of 500" in found.reason


def test_a_handful_of_sessions_is_not_a_sample():
    features, candidate, ok, _ = world(600)
    found = compare(features, candidate, ok, np.zeros(600, dtype=int), np.random.default_rng(1))
    assert "only 1 sessions" in found.reason


def test_sessions_widen_the_interval():
    features, candidate, ok, _ = world(600)
    rows = np.repeat(np.arange(600), 5)
    alone = compare(features, candidate, ok, np.arange(600), np.random.default_rng(1))
    copied = compare(features[rows], candidate[rows], ok[rows], rows, np.random.default_rng(1))
    assert copied.harm_high - copied.harm_low > 0.8 * (alone.harm_high - alone.harm_low)


def test_the_same_seed_the_same_answer():
    data = world(800)
    one, two = (compare(*data, np.random.default_rng(7)) for _ in range(2))
    assert one == two


def test_shapes_that_do_not_fit():
    features, candidate, ok, sessions = world(100)
    with pytest.raises(ValueError, match="same requests"):
        compare(features[:50], candidate, ok, sessions, np.random.default_rng(1))
