"""How evidence looks in a terminal: trials, and whether a table verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.stages.trials import ExportResult, TrialList, TrialsResult
    from router_audit.stages.verify import VerifyResult

SHOWN = 5


def show_trials_result(console: Console, result: TrialsResult) -> None:
    """What became of the lines of a trials file."""
    console.print(
        f"Read {result.records:,} trials: {result.stored:,} stored, {result.duplicates:,} known already, "
        f"{result.rejected:,} rejected."
    )
    for reason in result.reasons[:SHOWN]:
        console.print(reason, style="dim", markup=False)
    if len(result.reasons) > SHOWN:
        console.print(f"… and {len(result.reasons) - SHOWN:,} more (--json lists them).", style="dim")


def show_trials(console: Console, result: TrialList) -> None:
    """One line for each profile, candidate and grader."""
    from rich.table import Table

    if not result.groups:
        console.print(
            "No trial yet: `router-audit replay` makes some, `router-audit trials import` takes some in."
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("profile", "candidate", "grader", "trials", "sessions", "regrets", "both failed"):
        table.add_column(
            name, justify="left" if name in {"profile", "candidate", "grader"} else "right", overflow="fold"
        )
    for group in result.groups:
        name = (group.profile or "not tagged") + (" (huge)" if group.huge_context else "")
        counts = (group.trials, group.sessions, group.regrets, group.shared_failures)
        table.add_row(name, group.candidate, group.grader, *(f"{count:,}" for count in counts))
    console.print(table)


def show_export(console: Console, result: ExportResult) -> None:
    """Where the trials went."""
    console.print(f"Wrote {result.trials:,} trials to {result.path}", markup=False)


def show_verified(console: Console, result: VerifyResult) -> None:
    """What was checked of a sound table."""
    console.print(
        f"{result.path}: sound. Schema, digests, {result.hypotheses} tests recomputed from their counts, "
        f"{result.routes} routes follow from them, escalation is one rung up.",
        markup=False,
    )
