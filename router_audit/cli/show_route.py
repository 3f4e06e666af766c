"""How a decision looks in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.router import Explanation
    from router_audit.types import Decision


def show_decision(console: Console, decision: Decision) -> None:
    """The decision in three lines."""
    profile = decision.profile or "no profile"
    huge = ", huge context" if decision.huge_context else ""
    console.print(
        f"{profile} ({decision.probability:.2f}{huge}) → {decision.served_by or 'as asked'}", style="bold"
    )
    if decision.canary:
        console.print(f"In the canary: the premium tier answers, {decision.model} beside it.")
    if decision.escalate_to:
        console.print(f"A weak answer goes to {decision.escalate_to}, and no further.")
    console.print(f"{decision.reason} (table {decision.table_version})", style="dim", soft_wrap=True)


def show_explanation(console: Console, found: Explanation) -> None:
    """The decision, then what was known, seen, compared and drawn."""
    from rich.table import Table

    show_decision(console, found.decision)
    facts, decision, row = found.facts, found.decision, found.row
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    shares = ", ".join(f"{name} {share:.3f}" for name, share in found.probabilities.items())
    grid.add_row("shown", found.instruction)
    grid.add_row("order", found.order)
    grid.add_row(
        "classifier", f"{found.classifier}: {shares}" + (f"; {facts.abstained}" if facts.abstained else "")
    )
    grid.add_row("input", f"{'about ' if facts.estimated else ''}{facts.input_tokens:,} tokens")
    if row:
        status = "assumed" if row["assumed"] else row["status"]
        applied = "applied" if row["applied"] else "not applied"
        grid.add_row(
            "row", f"{row['profile']}/{row['context']}: {row['model']}, {status}, {applied}; {row['reason']}"
        )
        if row["evidence"]:
            seen = row["evidence"]
            grid.add_row(
                "evidence", f"{seen['regrets']} regrets in {seen['trials']} trials, p = {seen['p_value']:.3g}"
            )
    grid.add_row("own model", f"{decision.asked or 'none named'}{_price(found.asked_mtok)}")
    grid.add_row("decided", f"{decision.model or 'as asked'}{_price(found.model_mtok)}")
    grid.add_row("threshold", f"{decision.threshold:.2f}")
    where = "below" if decision.canary else "not below"
    grid.add_row("canary", f"drew {found.canary_draw:.6f}, {where} {decision.propensity:g}")
    console.print(grid)


def _price(mtok: float | None) -> str:
    return "" if mtok is None else f", {mtok:.4g} USD per million tokens (3 in : 1 out)"
