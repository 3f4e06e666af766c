"""Paired comparisons into the store and out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit.trialfile import TrialRecord, read_trials

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class TrialsResult:
    """What became of the lines: `records` = `stored` + `duplicates` + `rejected`."""

    records: int
    stored: int
    duplicates: int
    rejected: int
    reasons: tuple[str, ...]
    """`file:line: why`, the first of each rejected line."""


def import_trials(store: Store, path: Path, *, origin: str = "import") -> TrialsResult:
    """Store each sound line of a trials file; a trial that is there already is counted, not stored again."""
    rows: dict[str, dict[str, Any]] = {}
    reasons: list[str] = []
    records = 0
    for line, found in read_trials(path):
        records += 1
        if isinstance(found, TrialRecord):
            rows.setdefault(found.trial_id, _row(found, origin))
        else:
            reasons.append(f"{path.name}:{line}: {found}")
    names = store.query("known_requests", names=sorted({row["request_id"] for row in rows.values()}))
    ours = dict(names.iter_rows())
    for row in rows.values():
        row["request_id"] = ours.get(row["request_id"], row["request_id"])
    with store.transaction():
        before = _count(store)
        store.append("trials", _frame(list(rows.values())), on_conflict="ignore")
        stored = _count(store) - before
    return TrialsResult(records, stored, records - stored - len(reasons), len(reasons), tuple(reasons))


def list_trials(store: Store, *, huge_context_tokens: int) -> pl.DataFrame:
    """Every trial with the profile, context and session it counts under."""
    latest = store.query("latest_classifier")
    return store.query(
        "trials",
        classifier=latest["version"][0] if latest.height else "",
        huge_context_tokens=huge_context_tokens,
    )


def _count(store: Store) -> int:
    return int(store.query("trial_count")["trials"][0])


def _row(record: TrialRecord, origin: str) -> dict[str, Any]:
    row = {name: getattr(record, name, None) for name in TRIAL_COLUMNS}
    return row | {"request_id": record.identity, "origin": origin}


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl

    kinds = {"str": pl.String, "bool": pl.Boolean, "float": pl.Float64}
    return pl.DataFrame(rows, schema={name: kinds[kind] for name, kind in TRIAL_COLUMNS.items()})
