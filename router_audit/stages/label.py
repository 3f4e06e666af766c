"""Labels by people: which to look at, what they say, and labels as files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.files.labels import LabelRecord, read_labels
from router_audit.files.writing import write_whole
from router_audit.labellers.question import excerpt
from router_audit.stages.records import prompt_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from router_audit.store import Store

HUMAN = "human"
AT_ONCE = 200
"""Contents one sitting is offered."""


@dataclass(frozen=True, slots=True)
class Review:
    """One content for a person to judge."""

    content_hash: str
    request_id: str
    requests: int
    shown: Mapping[str, Any]
    """The excerpt a labeller sees, here as it is: nothing is taken out of what talks to a person."""
    labeller: str
    profile: str | None
    probability: float
    reason: str
    stratum: str
    suspect: bool
    """A classifier that did not see this label disagrees with it."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """`records` = `stored` + `unchanged` + `rejected`."""

    records: int
    stored: int
    unchanged: int
    rejected: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written."""

    path: str
    labels: int


@dataclass(frozen=True, slots=True)
class SittingResult:
    """What a person did."""

    confirmed: int
    corrected: int
    skipped: int
    human_labels: int


def to_review(store: Store, *, last: int | None = None, count: int = AT_ONCE) -> list[Review]:
    """Contents without a human label: suspect labels first, then the random core, then the most doubtful."""
    store.run("select_window", last=last)
    store.run("select_contents")
    rows = store.query("labels_to_review", suspects=_suspects(store), count=count)
    return [
        Review(
            content_hash=row["content_hash"],
            request_id=row["request_id"],
            requests=row["requests"],
            shown=excerpt(prompt_record(row)) or {},
            labeller=row["labeller"],
            profile=row["profile"] or None,
            probability=row["probability"],
            reason=row["reason"],
            stratum=row["stratum"] or "",
            suspect=row["suspect"],
        )
        for row in rows.iter_rows(named=True)
    ]


def say(store: Store, labels: Iterable[tuple[str, str, str]]) -> None:
    """Store human labels, (content, profile, stratum) each; a person's newest word replaces the one before."""
    import polars as pl

    frame = pl.DataFrame(
        [
            {
                "content_hash": name,
                "labeller": HUMAN,
                "model": "",
                "prompt_version": "",
                "profile": profile,
                "probability": 1.0,
                "reason": "",
                "cost_usd": 0.0,
                "stratum": stratum or "informative",
            }
            for name, profile, stratum in labels
        ]
    )
    store.append("labels", frame, on_conflict="replace")


def unsay(store: Store, content_hash: str) -> None:
    """Take a human label back."""
    store.run("forget_human_label", content_hash=content_hash)


def human_labels(store: Store) -> dict[str, str]:
    """Profile by content."""
    return dict(store.query("human_labels").iter_rows())


def import_labels(store: Store, path: Path) -> ImportResult:
    """Store each sound line as a human label; all or nothing. Raises InputError where the file cannot be read.

    A line that an export wrote and nobody changed is no human's word: it counts as unchanged, as does an
    abstention that nobody filled in.
    """
    said: list[tuple[int, LabelRecord]] = []
    reasons: list[str] = []
    records = 0
    for line, record in read_labels(path):
        records += 1
        if isinstance(record, str):
            reasons.append(f"{path.name}:{line}: {record}")
        else:
            said.append((line, record))
    names = sorted({record.identity for _, record in said})
    known = dict(store.query("known_contents", names=names).iter_rows())
    stand = set(store.query("labels_of", hashes=sorted(set(known.values()))).iter_rows())
    before = human_labels(store)
    fresh: dict[str, str] = {}
    unchanged = 0
    for line, record in said:
        content, profile = known.get(record.identity), record.profile or ""
        untouched = record.labeller not in {None, HUMAN} and (content, record.labeller, profile) in stand
        if content is None:
            reasons.append(f"{path.name}:{line}: the store holds no request {record.identity}")
        elif not profile or untouched or (fresh.get(content) or before.get(content)) == profile:
            unchanged += 1
        else:
            fresh[content] = profile
    stored = records - unchanged - len(reasons)
    with store.transaction():
        if fresh:
            say(store, ((name, profile, "") for name, profile in fresh.items()))
    return ImportResult(records, stored, unchanged, len(reasons), tuple(reasons))


def export_labels(store: Store, path: Path, *, last: int | None = None) -> ExportResult:
    """Write every label of the audit with its request, one a line; `import_labels` reads the file back."""
    store.run("select_window", last=last)
    store.run("select_contents")
    lines = []
    for row in store.query("labels_to_export").iter_rows(named=True):
        names = ("content_hash", "request_id", "requests", "profile", "probability")
        about = {name: row[name] for name in (*names, "labeller", "model", "reason", "stratum")}
        lines.append(msgspec.json.encode(about | prompt_record(row)).decode())
    write_whole(path, "".join(f"{line}\n" for line in lines))
    return ExportResult(str(path), len(lines))


def _suspects(store: Store) -> list[str]:
    for row in store.query("latest_classifier").iter_rows(named=True):
        noise = json.loads(row["metadata"]).get("noise") or {}
        return [each["content_hash"] for each in noise.get("worst", ())]
    return []
