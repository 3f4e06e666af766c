"""Logs into the store: every call once, every other record counted, all or nothing."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from router_audit.adapters import ADAPTERS
from router_audit.adapters.generic import Mapped
from router_audit.adapters.generic import paths as mapped_paths
from router_audit.errors import InputError, UserError
from router_audit.logfile import find
from router_audit.stages.ingest import decode, merge, redact, spread
from router_audit.stages.ingest.loading import Arriving, Loaded
from router_audit.stages.ingest.options import IngestOptions, IngestResult, SourceCounts, Tokens
from router_audit.stages.ingest.room import ALONE_MB, BESIDE_MB, Room
from router_audit.types.progress import Progress, Unwatched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router_audit.store import Store

__all__ = ["IngestOptions", "IngestResult", "SourceCounts", "Tokens", "ingest"]


@contextmanager
def _workplace(store: Store) -> Iterator[Path]:
    """A folder for shards, beside the store so that they share its disk. What a killed ingest left is removed.

    The store admits one process at a time, so no such folder can belong to a living one.
    """
    prefix = f".{store.path.name}.ingest-"
    for left in store.path.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    try:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=store.path.parent))
    except OSError as error:
        raise InputError(f"no room to work ({error.strerror})", where=str(store.path.parent)) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _settings_kept(store: Store) -> Iterator[None]:
    """What the ingest sets of DuckDB, it sets back, but for the blocks that the process keeps."""
    try:
        yield
    finally:
        store.run("free_memory")
        store.run("all_threads")


def _arriving(store: Store, folder: Path) -> Arriving:
    """DuckDB inserts one stream a batch at a time, and with several threads more slowly."""
    store.run("bound_memory", limit=Room().limit(BESIDE_MB))
    store.run("one_thread")
    return Arriving(store, folder)


def _decoding(options: IngestOptions) -> decode.Options:
    """What the reading processes need to know; raises UserError where the user named something unknown."""
    known = {adapter.source for adapter in ADAPTERS} | {Mapped.source}
    for name in options.sources:
        if name not in known:
            raise UserError(f"no log format {name!r}; there are {', '.join(sorted(known))}", where="--source")
    try:
        mapping = mapped_paths(options.mapping)
    except ValueError as error:
        raise UserError(str(error).removeprefix("--map: "), where="--map") from None
    if options.redact:
        redact.require()
    return decode.Options(redact=options.redact, mapping=tuple(mapping.items()))


def ingest(
    store: Store,
    paths: Sequence[str],
    options: IngestOptions | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """Read the logs at `paths` into the store. Nothing of it is stored if it does not come to its end.

    Raises InputError where a path leads nowhere or no file could be read at all.
    """
    options = options or IngestOptions()
    progress = progress or Unwatched()
    decoding = _decoding(options)
    sources = find(paths)
    files = [source.name for source in sources]
    progress.stage("ingest", None)
    with _workplace(store) as folder, _settings_kept(store), store.transaction():
        store.run("keep_blocks")
        before = store.query("last_row").item()
        # What is most likely new, and asked for, is inserted while the rest is being decoded.
        early = not (options.selecting or store.query("known_files", files=files).item())
        with _arriving(store, folder) if early else nullcontext() as arriving:
            tally = spread.decode_all(sources, folder, decoding, progress, options.workers, arriving)
        inserted = arriving is not None and arriving.whole
        if early and not inserted:
            store.run("delete_new", before=before)
        if tally.whole_file and tally.records == len(tally.whole_file):
            where, reason = tally.whole_file[0]
            more = f" (and {len(tally.whole_file) - 1} more files)" if len(tally.whole_file) > 1 else ""
            raise InputError(f"{reason}{more}; nothing was read", where=where)
        progress.stage("store", None)
        room = Room(Loaded(store, folder, "requests").paths)
        store.run("bound_memory", limit=room.limit(ALONE_MB))
        store.run("all_threads")
        merged = merge.merge(store, folder, files, options, before=before, inserted=inserted)
        return _result(len(sources), tally, merged)


def _result(files: int, tally: decode.Tally, merged: merge.Merged) -> IngestResult:
    """The counts, after a check that they balance: an imbalance is a bug, and undoes the ingest."""
    rejected = sum(tally.rejected.values())
    result = IngestResult(
        files=files,
        records=tally.records,
        stored=merged.stored,
        duplicates=tally.merged + merged.duplicates,
        filtered=sum(tally.filtered.values()) + merged.filtered,
        rejected=merged.rejected,
        tokens=Tokens(*merged.tokens),
        by_source={
            name: SourceCounts(merged.by_source.get(name, 0), tally.rejected.get(name, 0))
            for name in sorted({*merged.by_source, *tally.rejected})
        },
    )
    balance = result.stored + result.duplicates + result.filtered + result.rejected
    if result.records != balance or merged.rejected != rejected:
        raise AssertionError(f"{result.records} records read, {balance} accounted for")
    return result
