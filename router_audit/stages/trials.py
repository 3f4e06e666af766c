"""Paired comparisons into the store and out of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit.files.trials import TrialRecord, read_trials, trial_id, written
from router_audit.files.writing import write_whole
from router_audit.types import HUGE_CONTEXT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import polars as pl

    from router_audit.store import Store

TRIAL_COLUMNS = {
    "trial_id": "str",
    "request_id": "str",
    "session_id": "str",
    "profile": "str",
    "huge_context": "bool",
    "candidate": "str",
    "candidate_ok": "bool",
    "incumbent_ok": "bool",
    "grader": "str",
    "confidence": "float",
    "candidate_cost_usd": "float",
    "candidate_latency_ms": "float",
    "origin": "str",
}
_SAID = ("candidate_ok", "incumbent_ok", "confidence")
"""What two records of one trial may not differ in."""


@dataclass(frozen=True, slots=True)
class TrialsResult:
    """What became of the lines: `records` = `stored` + `duplicates` + `rejected`."""

    records: int
    stored: int
    duplicates: int
    rejected: int
    reasons: tuple[str, ...]
    """`file:line: why`, the first of each rejected line."""


@dataclass(frozen=True, slots=True)
class TrialGroup:
    """The trials of one candidate on one row of the table, by one grader."""

    profile: str | None
    """None: no prediction for the request, so they count for nothing yet."""
    huge_context: bool
    candidate: str
    grader: str
    origin: str
    trials: int
    sessions: int
    """Trials of one session count once in a certificate."""
    regrets: int
    shared_failures: int
    gains: int


@dataclass(frozen=True, slots=True)
class TrialList:
    """Every trial of the store, in groups."""

    trials: int
    groups: tuple[TrialGroup, ...]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """Where the trials went."""

    path: str
    trials: int


def import_trials(store: Store, path: Path, *, origin: str = "import") -> TrialsResult:
    """Store each sound line of a trials file.

    A trial that is there already is counted, not stored again; one that contradicts what is there is rejected.
    """
    lines: list[tuple[int, TrialRecord]] = []
    reasons: list[str] = []
    records = 0
    for line, found in read_trials(path):
        records += 1
        if isinstance(found, TrialRecord):
            lines.append((line, found))
        else:
            reasons.append(f"{path.name}:{line}: {found}")
    named = store.query("known_requests", names=sorted({record.identity for _, record in lines}))
    ours = dict(named.iter_rows())
    rows: dict[str, dict[str, Any]] = {}
    with store.transaction():
        there = _stored(store)
        duplicates = 0
        for line, record in lines:
            row = _row(record, ours.get(record.identity, record.identity), origin)
            known = rows.get(row["trial_id"]) or there.get(row["trial_id"])
            if known is None:
                rows[row["trial_id"]] = row
            elif all(known[name] == row[name] for name in _SAID):
                duplicates += 1
            else:
                reasons.append(
                    f"{path.name}:{line}: contradicts what is known of this request, candidate and grader"
                )
        stored = add_trials(store, rows.values())
    return TrialsResult(records, stored, duplicates, len(reasons), tuple(reasons))


def add_trials(store: Store, rows: Iterable[Mapping[str, Any]]) -> int:
    """Store trials, given as mappings of `TRIAL_COLUMNS`; one that is there already stays as it is.

    They count as having come together, after all that are there.
    """
    import polars as pl

    kinds = {"str": pl.String, "bool": pl.Boolean, "float": pl.Float64}
    schema = {name: kinds[kind] for name, kind in TRIAL_COLUMNS.items()}
    frame = pl.DataFrame(list(rows), schema=schema)
    if frame.is_empty():
        return 0
    arrived = store.query("arrivals")["next"][0]
    return store.append("trials", frame.with_columns(pl.lit(arrived).alias("arrived")), on_conflict="ignore")


def list_trials(store: Store, *, huge_context_tokens: int = HUGE_CONTEXT_TOKENS) -> TrialList:
    """The trials by row of the table, candidate, grader and origin."""
    import polars as pl

    frame = trial_frame(store, huge_context_tokens=huge_context_tokens)
    by = ["profile", "huge_context", "candidate", "grader", "origin"]
    groups = (
        frame.group_by(by)
        .agg(
            pl.len().alias("trials"),
            pl.col("session_id").n_unique().alias("sessions"),
            (pl.col("incumbent_ok") & ~pl.col("candidate_ok")).sum().alias("regrets"),
            (~pl.col("incumbent_ok") & ~pl.col("candidate_ok")).sum().alias("shared_failures"),
            (~pl.col("incumbent_ok") & pl.col("candidate_ok")).sum().alias("gains"),
        )
        .sort(by, nulls_last=True)
    )
    return TrialList(frame.height, tuple(TrialGroup(**row) for row in groups.iter_rows(named=True)))


def export_trials(store: Store, path: Path) -> ExportResult:
    """Write every trial to a file that `import_trials` reads back; `-` is standard output."""
    rows = store.query("stored_trials")
    lines = written(rows.iter_rows(named=True))
    if str(path) == "-":
        sys.stdout.writelines(lines)
    else:
        write_whole(path, "".join(lines))
    return ExportResult(str(path), rows.height)


def trial_frame(store: Store, *, huge_context_tokens: int) -> pl.DataFrame:
    """Every trial with the profile, context and session it counts under."""
    latest = store.query("latest_classifier")
    return store.query(
        "trials",
        classifier=latest["version"][0] if latest.height else "",
        huge_context_tokens=huge_context_tokens,
    )


def _stored(store: Store) -> dict[str, dict[str, Any]]:
    return {row["trial_id"]: row for row in store.query("stored_trials").iter_rows(named=True)}


def _row(record: TrialRecord, request_id: str, origin: str) -> dict[str, Any]:
    row = {name: getattr(record, name, None) for name in TRIAL_COLUMNS}
    return row | {
        "request_id": request_id,
        "trial_id": trial_id(request_id, record.candidate, record.grader),
        "origin": origin,
    }
