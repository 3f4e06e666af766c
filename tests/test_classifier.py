"""The classifier learns, calibrates, splits by group, and survives being written and read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from router_audit.classifier import fit as classifier
from router_audit.classifier.head import Head, Layer, Neighbours, load_head, save_head
from router_audit.classifier.neighbours import fit_neighbours
from router_audit.classifier.report import evaluate, wilson
from router_audit.classifier.row import RowScorer
from router_audit.errors import UserError

CLASSES = ("classification", "extraction", "reasoning", "coordination")


def clouds(count: int = 60, spread: float = 0.6, seed: int = 1) -> tuple[NDArray[np.float32], list[str]]:
    rng = np.random.default_rng(seed)
    centres = np.eye(4, 8, dtype=np.float32) * 2
    labels = [CLASSES[row % 4] for row in range(count * 4)]
    features = np.array([centres[row % 4] for row in range(count * 4)]) + rng.normal(
        0, spread, (count * 4, 8)
    )
    return features.astype(np.float32), labels


def head() -> Head:
    features, labels = clouds()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    near = fit_neighbours(unit, labels, CLASSES, np.ones(len(labels), dtype=np.float32), (0, 8), 0.05)
    return Head(CLASSES, (classifier.fit_linear(features, labels, CLASSES), near), about={"recipe": "t"})


def linear_only() -> Head:
    features, labels = clouds()
    return Head(CLASSES, (classifier.fit_linear(features, labels, CLASSES),))


def test_neighbours_join_equal_rows_and_vote() -> None:
    rows = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    near = fit_neighbours(
        rows,
        ["reasoning", "reasoning", "reasoning", "extraction"],
        CLASSES,
        np.ones(4, dtype=np.float32),
        (0, 2),
        0.1,
    )
    assert len(near.points) == 2
    probabilities = classifier.predict_proba(
        Head(CLASSES, (near,)), np.array([[1, 0], [0, 1]], dtype=np.float32)
    )
    assert probabilities[0, 2] > 0.93
    assert probabilities[1, 2] == pytest.approx(probabilities[1, 1], abs=0.01)


def test_neighbours_along_few_axes_tell_what_all_tell() -> None:
    features, labels = clouds(seed=3)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    ones = np.ones(len(labels), dtype=np.float32)
    whole, few = (fit_neighbours(unit, labels, CLASSES, ones, (0, 8), 0.05, axes=axes) for axes in (None, 4))
    assert few.points.shape[1] == 4
    assert np.allclose(np.linalg.norm(few.placed(unit), axis=1), 1.0, atol=1e-5)
    told = [
        [one.profile for one in classifier.predict(Head(CLASSES, (near,)), unit)] for near in (whole, few)
    ]
    assert np.mean([one == other for one, other in zip(*told, strict=True)]) > 0.95


def test_a_form_leaves_out_the_members_of_the_other(tmp_path: Path) -> None:
    features, labels = clouds(seed=4)
    both, full, light = (
        replace(classifier.fit_linear(features[:count], labels[:count], CLASSES), form=form)
        for count, form in ((60, ""), (80, "full"), (100, "light"))
    )
    whole = Head(CLASSES, (both, full, light), temperature=2.0, light_temperature=3.0)
    save_head(whole, tmp_path)
    kept = load_head(tmp_path)
    for head_, is_light, members in ((kept.form(), False, 2.0), (kept.form(light=True), True, 3.0)):
        assert head_.temperature == members
        assert [member.form for member in head_.members] == ["", "light" if is_light else "full"]
    assert kept.version == whole.version


def test_learns_separated_clouds() -> None:
    features, labels = clouds(seed=2)
    assert [p.profile for p in classifier.predict(head(), features)].count("x") == 0
    assert (
        np.mean(
            [
                p.profile == label
                for p, label in zip(classifier.predict(head(), features), labels, strict=True)
            ]
        )
        > 0.9
    )


def test_probabilities_sum_to_one() -> None:
    probabilities = classifier.predict_proba(head(), clouds()[0])
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_fitting_is_deterministic() -> None:
    assert head().version == head().version


def test_round_trip_is_exact(tmp_path: Path) -> None:
    before = classifier.with_prototypes(
        replace(head(), temperature=1.7, minimum_probability=0.4), clouds()[0], 50, 0.99, seed=3
    )
    save_head(before, tmp_path)
    after = load_head(tmp_path)
    assert after.version == before.version
    features = clouds(seed=9)[0]
    assert np.array_equal(
        classifier.predict_proba(before, features), classifier.predict_proba(after, features)
    )
    assert np.array_equal(
        classifier.distance_to_training(before, features), classifier.distance_to_training(after, features)
    )


def test_same_head_same_bytes(tmp_path: Path) -> None:
    save_head(head(), tmp_path / "a")
    save_head(head(), tmp_path / "b")
    for name in ("head.json", "head.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_no_pickle_inside(tmp_path: Path) -> None:
    save_head(head(), tmp_path)
    with np.load(tmp_path / "head.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored.files)


def test_changed_numbers_are_refused(tmp_path: Path) -> None:
    save_head(head(), tmp_path)
    document = json.loads((tmp_path / "head.json").read_text())
    document["temperature"] = 9.0
    (tmp_path / "head.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match="do not match"):
        load_head(tmp_path)


def test_missing_or_broken_head_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        load_head(tmp_path)
    (tmp_path / "head.json").write_text("{}")
    (tmp_path / "head.npz").write_bytes(b"not an archive")
    with pytest.raises(UserError):
        load_head(tmp_path)


def test_calibration_lowers_log_loss_of_overconfident_scores() -> None:
    features, labels = clouds(spread=1.6, seed=5)
    member = linear_only().members[0]
    assert not isinstance(member, Neighbours)
    sharp = Head(
        CLASSES, (replace(member, layers=(Layer(member.layers[0].weight * 6, member.layers[0].bias),)),)
    )
    calibrated = classifier.calibrate(sharp, features, labels)
    assert calibrated.temperature > 1.5
    assert (
        evaluate(labels, classifier.predict_proba(calibrated, features), CLASSES).brier
        < evaluate(labels, classifier.predict_proba(sharp, features), CLASSES).brier
    )


def test_abstains_when_unsure_or_far() -> None:
    features, _ = clouds()
    unsure = replace(head(), minimum_probability=1.1)
    assert {p.abstained for p in classifier.predict(unsure, features)} == {classifier.LOW_PROBABILITY}
    strict = replace(classifier.with_prototypes(head(), features, 40, 0.99, seed=0), maximum_distance=-1.0)
    assert {p.abstained for p in classifier.predict(strict, features)} == {classifier.FAR_FROM_TRAINING}


def test_groups_never_straddle_the_split() -> None:
    groups = [f"g{row % 17}" for row in range(300)]
    rest, held = classifier.grouped_split(groups, 0.3, seed=4)
    assert not {groups[row] for row in rest} & {groups[row] for row in held}
    assert len(rest) + len(held) == 300
    assert 60 <= len(held) <= 130


def test_one_profile_cannot_be_trained() -> None:
    with pytest.raises(UserError):
        classifier.fit_linear(np.zeros((4, 2), dtype=np.float32), ["reasoning"] * 4, CLASSES)


def test_two_profiles_are_enough() -> None:
    features, labels = clouds()
    kept = [row for row, label in enumerate(labels) if label in CLASSES[:2]]
    member = classifier.fit_linear(features[kept], [labels[row] for row in kept], CLASSES)
    said = classifier.predict(Head(CLASSES, (member,)), features[kept])
    assert np.mean([p.profile == labels[row] for p, row in zip(said, kept, strict=True)]) > 0.9


def test_report_counts_abstentions_as_errors() -> None:
    probabilities = np.array([[0.9, 0.1, 0, 0], [0.8, 0.2, 0, 0], [0.1, 0.9, 0, 0]], dtype=np.float32)
    labels = ["classification", "classification", "extraction"]
    full = evaluate(labels, probabilities, CLASSES)
    assert full.macro_f1 == pytest.approx(1.0)
    held_back = evaluate(labels, probabilities, CLASSES, [True, False, False])
    assert held_back.abstained == 1
    assert held_back.macro_f1 == pytest.approx((2 / 3 + 1.0) / 2)
    assert held_back.confusion["classification"] == {
        "classification": 1,
        "extraction": 0,
        "reasoning": 0,
        "coordination": 0,
        "abstained": 1,
    }


def test_report_of_a_known_table() -> None:
    probabilities = np.array([[0.7, 0.3, 0, 0], [0.6, 0.4, 0, 0]], dtype=np.float32)
    report = evaluate(["classification", "extraction"], probabilities, CLASSES)
    assert report.brier == pytest.approx((2 * 0.3**2 + 2 * 0.6**2) / 2)
    assert report.ece == pytest.approx(abs(0.7 - 1) / 2 + 0.6 / 2)
    assert report.risk_coverage[0] == (0.5, 0.0)
    assert report.risk_coverage[-1] == (1.0, 0.5)


def test_wilson_interval_of_a_known_case() -> None:
    rate = wilson(8, 10)
    assert (round(rate.low, 3), round(rate.high, 3)) == (0.490, 0.943)


def test_one_row_is_judged_as_many_are() -> None:
    rng = np.random.default_rng(3)
    labels = [CLASSES[row % 4] for row in range(80)]
    words = rng.random((80, 1200)) * (rng.random((80, 1200)) < 0.02)
    rows = np.hstack([words, clouds(20)[0]]).astype(np.float32)
    linear = classifier.fit_linear(rows, labels, CLASSES, columns=(0, 1200))
    weights = np.ones(80, dtype=np.float32)
    network = classifier.fit_network(
        rows, labels, CLASSES, weights, (1200, 1208), hidden=6, decay=1e-3, seed=0
    )
    near = head().members[1]
    assert np.any(linear.mean), "columns that are centred: an absent word says something too"
    mixed = Head(
        CLASSES,
        (linear, network, replace(near, start=1200, stop=1208)),
        temperature=0.7,
        minimum_probability=0.5,
    )
    mixed = classifier.with_prototypes(mixed, rows, count=10, quantile=0.5, seed=0)
    scorer = RowScorer(mixed)
    told = classifier.predict_proba(mixed, rows)
    assert np.abs(told - np.array([scorer.probabilities(row) for row in rows])).max() < 1e-6
    verdicts = classifier.predict(mixed, rows)
    assert [(one.profile, one.abstained) for one in map(scorer.judge, rows)] == [
        (one.profile, one.abstained) for one in verdicts
    ]
    assert {one.abstained for one in verdicts} >= {"", classifier.FAR_FROM_TRAINING}
