"""The month's end: the audit once more, the new table held against the old one, and gates that may refuse it.

Every stage leaves the store consistent and every file appears whole, so a run that was stopped anywhere is
simply run again; on the same input it ends with the same table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router_audit.errors import InputError
from router_audit.files.tables import read_table, schema, versions, write_next
from router_audit.month.comparison import compare, markdown
from router_audit.proof.verification import table_problems
from router_audit.stages import build_table, canary, drift, ingest, report, tag, train
from router_audit.stages.classifier_files import publish
from router_audit.stages.newcomers import newcomers, record_models, retiring
from router_audit.types.retune import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from router_audit.pipeline import RunOptions
    from router_audit.stages.canary import CanaryOptions
    from router_audit.store import Store
    from router_audit.types import RoutingTable
    from router_audit.types.canary import CanaryCheck
    from router_audit.types.drift import Drift
    from router_audit.types.progress import Progress
    from router_audit.types.retune import Newcomer, Retiring, RetuneOutcome
    from router_audit.types.table_diff import TableDiff

NAMES = ("version", "parent", "digest", "content_digest")


@dataclass(frozen=True, slots=True)
class RetuneOptions:
    """The options of each stage, and what the gates allow."""

    stages: RunOptions
    canary: CanaryOptions
    today: date
    write: bool = False
    max_regress: float = 0.01
    """The expected share of failures that routing causes may grow by this much over the last table's."""
    require_certified: bool = False
    retire_days: int = 60
    """A model that stops within so many days may not be in a new table."""
    drift_days: float = 30.0


@dataclass(frozen=True, slots=True)
class RetuneResult:
    """What was found and decided."""

    outcome: RetuneOutcome
    table: RoutingTable
    """The new version, or the one that stays."""
    path: str
    """Where the table is, or would be."""
    gates: tuple[Gate, ...]
    diff: TableDiff | None
    """Against the last version; None where there is none."""
    body: str
    """The comparison as Markdown."""
    newcomers: tuple[Newcomer, ...]
    retiring: tuple[Retiring, ...]
    retrained: str
    """Why the classifier was trained again; empty where it was not."""
    drift: Drift | None
    canary: CanaryCheck
    ingest: ingest.IngestResult | None
    tag: tag.TagResult
    train: train.TrainResult | None
    report: str | None
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[Gate, ...]:
        """The gates that did not let the table through."""
        return tuple(gate for gate in self.gates if not gate.passed)


def retune(store: Store, paths: Sequence[str], options: RetuneOptions, progress: Progress) -> RetuneResult:
    """Bring the store up to date, build the next table, and write it where asked and every gate lets it.

    A dry run brings the store up to date too; it writes no table and no report. Raises as the stages do.
    """
    stages = options.stages
    ingested = ingest.ingest(store, paths, stages.ingest, progress) if paths else None
    tagged = tag.tag(store, stages.tag, progress)
    moved = _drift(store, options)
    why = _retrain(store, tagged, moved)
    trained = train.train(store, stages.train, progress) if why else None
    checked = canary.check(store, options.canary)
    draft = build_table.build_table(store, replace(stages.table, write=False))
    table = draft.document
    known = versions(stages.table.folder)
    last = read_table(known[-1]) if known else None
    stopping = retiring(table, stages.table.prices, options.today, options.retire_days)
    gates = tuple(_gates(table, last, draft.withheld, stopping, checked, options))
    fresh = newcomers(store, table, stages.table, options.today)
    comparison = compare(last, table) if last is not None else None
    passed = all(gate.passed for gate in gates)
    outcome: RetuneOutcome = "refused"
    shown: str | None = None
    if passed:
        outcome = "no change" if not draft.written else "new version" if options.write else "would write"
    if passed and options.write:
        table = _write(store, table, stages.table.folder)
        record_models(store, table, stages.table.prices, options.today)
        shown = str(report.report(store, stages.report).path)
    return RetuneResult(
        outcome=outcome,
        table=table,
        path=str(draft.path),
        gates=gates,
        diff=comparison,
        body=markdown(comparison) if comparison is not None else "",
        newcomers=fresh,
        retiring=stopping,
        retrained=why,
        drift=moved,
        canary=checked,
        ingest=ingested,
        tag=tagged,
        train=trained,
        report=shown,
        notes=draft.notes,
    )


def _drift(store: Store, options: RetuneOptions) -> Drift | None:
    from router_audit.errors import UserError

    try:
        return drift.drift(store, drift.DriftOptions(days=options.drift_days, last=options.stages.table.last))
    except UserError:
        return None  # an undated log has no windows to compare


def _retrain(store: Store, tagged: tag.TagResult, moved: Drift | None) -> str:
    """Why the classifier has to be trained again; what has no prediction yet gets one only by that."""
    latest = store.query("latest_classifier")
    if not latest.height:
        return "there is no classifier yet"
    if tagged.labelled:
        return f"{tagged.labelled} contents are newly labelled"
    waiting = store.query("unpredicted_count", encoder=latest["encoder"][0], classifier=latest["version"][0])[
        "contents"
    ][0]
    if waiting:
        return f"{waiting} contents have no prediction yet"
    learnt_from = json.loads(latest["metadata"][0]).get("labels_given", "0-0")
    if store.query("labels_given")["mark"][0] != learnt_from:
        return "people or providers have given other labels since"
    if moved is not None and moved.drifted:
        return "the traffic has drifted"
    return ""


def _write(store: Store, table: RoutingTable, folder: Path) -> RoutingTable:
    """The classifier first, then the table that names it: no reader sees a table without its classifier."""
    if table["classifier"] is not None:
        publish(store, table["classifier"], folder)
    return write_next({name: value for name, value in table.items() if name not in NAMES}, folder)[0]


def _gates(
    table: RoutingTable,
    last: RoutingTable | None,
    withheld: str,
    stopping: Sequence[Retiring],
    checked: CanaryCheck,
    options: RetuneOptions,
) -> Iterator[Gate]:
    wrong = table_problems(table, schema())
    yield Gate("verify", not wrong, f"does not verify: {wrong[0]}" if wrong else "the table verifies")
    yield Gate("reconciliation", not withheld, withheld or "costs agree with the log's and the invoice's")
    if options.require_certified:
        loose = [
            f"{row['profile']}/{row['context']}"
            for row in table["routes"]
            if row["applied"] and row["status"] != "certified"
        ]
        yield Gate(
            "certified",
            not loose,
            f"not certified: {', '.join(loose)}" if loose else "every route in use is certified",
        )
    yield _regress(table, last, options.max_regress)
    gone = "; ".join(f"{it.model} ({', '.join(it.roles)}) {it.text}" for it in stopping)
    yield Gate(
        "retirement",
        not stopping,
        f"{gone}: name another ladder with --ladder" if gone else "no model in use retires soon",
    )
    alarmed = ", ".join(f"{r.route} on {r.model}" for r in checked.routes if r.alarm and r.in_force)
    if alarmed:
        text = f"an alarm stands on {alarmed}: run `router-audit canary check --revert` first"
    elif checked.frozen:
        text = "the judge of the canary has moved, so nobody watches: grade the anchors by hand"
    else:
        text = "no alarm stands on a route in force"
    yield Gate("canary", not alarmed and not checked.frozen, text)


def _regress(table: RoutingTable, last: RoutingTable | None, most: float) -> Gate:
    now, before = _regret(table), _regret(last) if last is not None else 0.0
    if now is None:
        if last is None or before is None:
            return Gate("regress", passed=True, text="no trial says how often the routes would fail")
        return Gate(
            "regress",
            passed=False,
            text="no trial says how often the new routes would fail; the last table's did",
        )
    grown = now - (before or 0.0)
    return Gate(
        "regress",
        grown <= most,
        f"routing is expected to fail {now:.2%} of the requests that would not have failed, "
        f"{before or 0.0:.2%} under the last table; {most:.2%} more is allowed",
    )


def _regret(table: RoutingTable) -> float | None:
    """Expected share of all requests that fail and would not have; zero where nothing is routed."""
    if not any(row["applied"] for row in table["routes"]):
        return 0.0
    for control in table["savings"].get("controls", ()):
        if control["name"] == "table":
            found: float | None = control["regret"]
            return found
    raise InputError("has no control of its own", where=str(table["version"]))
