"""The whole audit as one call: ingest, tag, train, build-table, report, in that order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.errors import InputError
from router_audit.stages import build_table, ingest, report, tag, train

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router_audit.store import Store
    from router_audit.types.progress import Progress
    from router_audit.types.report import Summary


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of each stage."""

    ingest: ingest.IngestOptions
    tag: tag.TagOptions
    train: train.TrainOptions
    table: build_table.TableOptions
    report: report.ReportOptions


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of each stage."""

    ingest: ingest.IngestResult
    tag: tag.TagResult
    train: train.TrainResult
    table: build_table.TableResult
    report_path: Path
    summary: Summary


def run(store: Store, paths: Sequence[str], options: RunOptions, progress: Progress) -> RunResult:
    """The audit of `paths`. Each stage leaves the store consistent, so a run that is stopped can be run again.

    Raises InputError where `paths` hold records but no call.
    """
    ingested = ingest.ingest(store, paths, options.ingest, progress)
    if not ingested.stored + ingested.duplicates:
        raise InputError(
            f"{ingested.records} records and no LLM call among them: {ingested.rejected} rejected,"
            f" {ingested.filtered} filtered; `router-audit rejects` says why",
            where=", ".join(map(str, paths)),
        )
    tagged = tag.tag(store, options.tag, progress)
    trained = train.train(store, options.train, progress)
    table = build_table.build_table(store, options.table)
    reported = report.report(store, options.report)
    return RunResult(ingested, tagged, trained, table, reported.path, reported.summary)
