"""Shards into the store: halves joined, repeats merged, what is there already left alone; one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from router_audit.stages.ingest.columns import KEYS
from router_audit.stages.ingest.contents import NO_TEMPLATE
from router_audit.stages.ingest.loading import Loaded

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.stages.ingest.options import IngestOptions
    from router_audit.store import Store

RETRY_S = 120
"""Seconds within which the same prompt after an error is a retry."""
ASK_AGAIN_S = 600
"""Seconds within which the same question in a session says that the answer did not help."""

_PART_BYTES = 32 * 1024 * 1024
_ROW_BYTES = 2000
"""What merging a record takes beside its bodies, roughly."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the staged records."""

    stored: int
    duplicates: int
    filtered: int
    rejected: int
    tokens: tuple[int, int, int, int, int]
    """Input, output, cache read, cache write, reasoning."""
    by_source: dict[str, int]


def _utc(moment: datetime | None) -> datetime | None:
    """As the store keeps times: UTC, without a zone; a time that has none is UTC."""
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


def merge(
    store: Store, folder: Path, files: list[str], options: IngestOptions, *, before: int, inserted: bool
) -> Merged:
    """Load the shards in `folder`. Runs inside the caller's transaction.

    `before` is the last row there was; `inserted`, whether every record stands behind it as a row already.
    """
    rejected = _rejects(store, folder, files)
    requests = Loaded(store, folder, "requests")
    if not requests.paths:
        return Merged(0, 0, 0, rejected, (0, 0, 0, 0, 0), {})
    requests.run("stage_keys", KEYS)
    store.run("stage_aliases")
    store.run("stage_joined")
    store.run("stage_joined_to_stored", before=before)
    store.run(
        "stage_calls",
        sources=list(options.sources),
        models=list(options.models),
        since=_utc(options.since),
        until=_utc(options.until),
        last=options.last,
        before=before,
    )
    plain = store.query("all_single").item()
    if not inserted:
        store.run("one_thread")
        requests.run("insert_all" if plain else "insert_single")
        store.run("all_threads")
    elif not plain:
        store.run("delete_odd", before=before)
    if not plain:
        _merge_odd(store, requests, before)
    store.run("link_retries", within_s=RETRY_S)
    store.run("mark_errors")
    store.run("mark_asked_again", within_s=ASK_AGAIN_S)
    templates = Loaded(store, folder, "templates")
    if templates.paths:
        templates.run("insert_templates")
    counts = store.query("ingest_counts").row(0, named=True)
    rows = store.query("ingest_stored_by_source").rows(named=True)
    store.run("drop_staged")
    names = ("input", "output", "cache_read", "cache_write", "reasoning")
    first, second, third, fourth, fifth = (sum(row[name] for row in rows) for name in names)
    return Merged(
        stored=sum(row["stored"] for row in rows),
        duplicates=counts["duplicates"],
        filtered=counts["filtered"],
        rejected=rejected,
        tokens=(first, second, third, fourth, fifth),
        by_source={row["source"]: row["stored"] for row in rows},
    )


def _merge_odd(store: Store, requests: Loaded, before: int) -> None:
    """Of each call that is not one new record, one row of all that is said of it."""
    store.run("stage_odd")
    store.run("stage_odd_stored", before=before)
    for part in store.query("merging_parts", part_bytes=_PART_BYTES, row_bytes=_ROW_BYTES).rows(named=True):
        places = store.query("odd_places", first=part["first"], last=part["last"])["place"].to_numpy()
        requests.run_at(places, "insert_merged", no_template=NO_TEMPLATE, **part)
    store.run("delete_improved")
    store.run("insert_merged_ids")


def _rejects(store: Store, folder: Path, files: list[str]) -> int:
    """A file that is read again has the rejects of its latest reading."""
    store.run("delete_rejects", files=files)
    shards = Loaded(store, folder, "rejects")
    return shards.run("insert_rejects") if shards.paths else 0
