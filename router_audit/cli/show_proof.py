"""How evidence looks in a terminal: trials, and whether a table verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.stages.grade import GradeResult
    from router_audit.stages.replay import ReplayPlan, ReplayResult
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


_STOPS = {
    "certain": "certain: the rest could not undo it",
    "hopeless": "given up: the rest could not prove it",
    "sample-used-up": "the planned sample is used up",
    "budget-gone": "the budget is gone",
}


def show_plan(console: Console, plan: ReplayPlan) -> None:
    """What would be asked, what it needs, what it costs and what leaves the machine."""
    from rich.table import Table

    from router_audit.render import usd

    console.print(
        f"Plan: regret below {plan.epsilon:.0%}, {1 - plan.delta:.0%} sure over {plan.rows} rows of the table. "
        f"A row needs {plan.least} trials without a regret; {plan.wanted} certify four times in five where the "
        f"true regret is {plan.epsilon / 5:.0%}. That is of the first table built on them: to look again later, "
        f"however often, stays within the same {plan.delta:.0%} and needs {plan.least_later} without a regret."
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("profile", "candidate", "trials", "of sessions", "by rule", "in the store", "about"):
        table.add_column(
            name, justify="left" if name in {"profile", "candidate"} else "right", overflow="fold"
        )
    for line in plan.lines:
        short = "" if line.trials >= line.least else " (too few to certify)"
        if line.again and line.trials < line.least:
            short = (
                f" (looked at before: --trials {line.least} or more, {line.wanted} for four times in five)"
            )
        table.add_row(
            line.profile + (" (huge)" if line.context == "huge" else ""),
            line.candidate,
            f"{line.trials:,}{short}",
            f"{line.sessions:,}",
            f"{line.by_rule:,}",
            f"{line.stored:,}",
            usd(line.likely_usd),
        )
    console.print(table)
    if plan.judge is None and any(line.by_rule < line.trials or not line.trials for line in plan.lines):
        console.print(
            "What no rule can grade needs --judge MODEL, or people: --for-humans, then `grade --show`."
        )
    for reason in plan.left_out:
        console.print(f"Not tried: {reason}.", style="dim", markup=False)
    for reason, count in plan.barred.items():
        console.print(f"Not sampled: {count:,} requests, {reason}.", style="dim", markup=False)
    console.print(
        f"{plan.prompts:,} whole requests and {plan.judgements:,} judge's questions ({plan.megabytes:.2f} MB) leave "
        f"this machine, to {', '.join(plan.hosts) or 'nobody'}."
    )
    console.print(
        f"About {usd(plan.likely_usd)}, at most {usd(plan.worst_usd)} without retries; "
        f"the budget of {usd(plan.budget_usd)} is never passed."
    )


def show_replay(console: Console, result: ReplayResult) -> None:
    """What each candidate showed, and what it cost."""
    from router_audit.render import usd

    for line in result.lines:
        name = line.profile + (" (huge)" if line.context == "huge" else "")
        by = ", ".join(f"{grader} {count}" for grader, count in line.graders.items())
        console.print(
            f"{name}: {line.candidate}: {line.regrets} regrets in {line.graded} trials"
            f"{f' (graded by {by})' if by else ''}; {_STOPS[line.stop]}.",
            markup=False,
        )
        for reason, count in line.ungraded.items():
            console.print(f"  {count:,} not graded: {reason}", style="dim", markup=False)
    risk = (
        f", and at most {usd(result.at_risk_usd)} for attempts that were lost" if result.at_risk_usd else ""
    )
    console.print(
        f"{result.trials:,} new trials for {usd(result.cost_usd)}{risk}, of a budget of {usd(result.budget_usd)}. "
        "Next: router-audit build-table"
    )


def show_graded(console: Console, result: GradeResult) -> None:
    """What came of a sitting, and what is left."""
    if result.graded or result.skipped:
        console.print(f"Graded {result.graded:,} pairs, skipped {result.skipped:,}.")
    console.print(f"{result.human_trials:,} pairs have a person's grade, {result.waiting:,} wait for one.")
