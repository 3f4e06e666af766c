"""Measure the builtin labeller: unseen sources, odd cases, speed. Run: python benchmarks/builtin_labeller.py --help."""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from router_audit.builtin_corpus import PROFILES
from router_audit.builtin_training import SourceResult, leave_one_source_out, load_corpus, train_builtin
from router_audit.classifier_head import save_head
from router_audit.classifier_report import Evaluation, evaluate
from router_audit.embedding import Encoder, load_encoder
from router_audit.labellers.builtin import HEAD_FOLDER, BuiltinLabeller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def unseen_sources(folder: Path, encoder: Encoder, light: bool) -> None:
    """Print the leave-one-source-out table of the model card."""
    results = leave_one_source_out(load_corpus(folder), encoder, light)
    print(f"\n{'light head (no encoder)' if light else 'full head'}: per source")
    for result in results:
        hits = sum(
            PROFILES[best] == label
            for best, label in zip(result.probabilities.argmax(axis=1), result.labels, strict=True)
        )
        mark = "licensed  " if result.trained_elsewhere else "unlicensed"
        print(
            f"  {result.source:42s} {mark} n={len(result.labels):5d} accuracy={hits / len(result.labels):.3f}"
        )
    for name, kept in (
        ("licensed", [r for r in results if r.trained_elsewhere]),
        ("unlicensed", [r for r in results if not r.trained_elsewhere]),
        ("all", results),
    ):
        if kept:
            show(name, pooled(kept))


def pooled(results: Sequence[SourceResult]) -> Evaluation:
    """Evaluate the predictions of several left-out sources together."""
    labels = [label for result in results for label in result.labels]
    return evaluate(labels, np.vstack([result.probabilities for result in results]), PROFILES)


def show(name: str, report: Evaluation) -> None:
    """Print one evaluation."""
    print(
        f"\n{name}: n={report.n} macro-F1={report.macro_f1:.4f} Brier={report.brier:.3f} ECE={report.ece:.3f}"
    )
    for profile, scores in report.per_profile.items():
        p, r = scores.precision, scores.recall
        print(
            f"  {profile:15s} precision {p.value:.3f} [{p.low:.3f}, {p.high:.3f}]  recall {r.value:.3f} [{r.low:.3f}, {r.high:.3f}]  F1 {scores.f1:.3f}  n={scores.support}"
        )
    for profile, row in report.confusion.items():
        print(f"  true {profile:15s}", {other: count for other, count in row.items() if count})
    print("  error at coverage:", {share: round(risk, 3) for share, risk in report.risk_coverage})


def odd_cases(path: Path, labeller: BuiltinLabeller) -> None:
    """Print how often the labels of the probe file are acceptable, by kind and task."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    verdicts = labeller.label(
        [{key: row[key] for key in ("system", "prompt") if row.get(key)} for row in rows]
    )
    said: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    fine: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for row, verdict in zip(rows, verdicts, strict=True):
        said[row["kind"], row["task_name"]][verdict.abstained or verdict.profile] += 1
        if row["acceptable_profiles"] or row["not_profiles"]:
            asked[row["kind"]] += 1
            allowed = row["acceptable_profiles"] or [
                profile for profile in PROFILES if profile not in row["not_profiles"]
            ]
            fine[row["kind"]] += verdict.profile in allowed or bool(verdict.abstained)
    print("\nodd cases:", {kind: f"{fine[kind]}/{count}" for kind, count in asked.items()})
    for key, counts in sorted(said.items()):
        print("  ", *key, dict(counts))


def speed(records: Sequence[Mapping[str, object]], encoder: Encoder) -> None:
    """Print prompts per second and milliseconds per single decision, with and without the encoder."""
    texts = [f"{record.get('system') or ''}\n{record.get('prompt') or ''}" for record in records]
    plain = timed(lambda: encoder.encode(texts[:100]))
    print(f"\nencoder alone over whole prompts: {min(100, len(texts)) / plain:.1f} prompts/s")
    for name, labeller in (("full", BuiltinLabeller(encoder)), ("light", BuiltinLabeller(None))):
        repeated = [*records] * 10
        total = timed(partial(labeller.label, repeated))
        single = [timed(partial(labeller.label, [record])) * 1000 for record in records[:200]]
        print(
            f"{name}: {len(repeated) / total:.0f} prompts/s at 10 copies each; one decision p50 {statistics.median(single):.2f} ms, p95 {sorted(single)[int(0.95 * len(single))]:.2f} ms"
        )


def timed(work: Callable[[], object]) -> float:
    """Return the seconds `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Parse the arguments and run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="corpus folder: our *.toml tasks and labelled *.jsonl(.gz) rows"
    )
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--train", action="store_true", help=f"rebuild the shipped head in {HEAD_FOLDER.name}"
    )
    parser.add_argument("--unseen", action="store_true", help="leave one source out")
    parser.add_argument("--probe", type=Path, help="file of odd cases")
    parser.add_argument("--speed", type=Path, help="file of labelled rows to time")
    options = parser.parse_args()
    encoder = load_encoder(options.encoder)
    if options.train:
        head = train_builtin(options.folder, encoder, options.seed)
        save_head(head, HEAD_FOLDER)
        print("head", head.version, head.about["rows"], "rows")
    if options.unseen:
        unseen_sources(options.folder, encoder, light=False)
        unseen_sources(options.folder, encoder, light=True)
    if options.probe:
        odd_cases(options.probe, BuiltinLabeller(encoder))
    if options.speed:
        with gzip.open(options.speed, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        speed(
            [
                {key: row[key] for key in ("system", "prompt") if row.get(key)}
                for row in rows[:: max(1, len(rows) // 500)]
            ],
            encoder,
        )


if __name__ == "__main__":
    main()
