"""How labels and evaluations look in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def show_prompt_training(console: Console, result: Any) -> None:
    """The candidates, and the chosen prompt beside the embedding form."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("examples", "tokens", "accuracy"):
        table.add_column(name, justify="right")
    for each in result.candidates:
        table.add_row(str(each.examples), f"{each.tokens:,}", f"{each.accuracy:.3f}")
    console.print(table)
    console.print(
        f"{result.version} with {result.model}: macro-F1 {result.macro_f1:.3f} on {result.n:,} held-out contents, "
        f"${result.cost_per_thousand_usd:.4f} per 1,000 decisions; "
        f"embedding form: {result.embedding['macro_f1']:.3f}, $0.0000. Spent ${result.cost_usd:.4f}."
    )


def show_evaluation(console: Console, result: Any) -> None:
    """The figures and the confusion of an evaluation."""
    from rich.table import Table

    from router_audit.render import percent

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("profile", "precision", "recall", "f1", "n"):
        table.add_column(name, justify="left" if name == "profile" else "right")
    said = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(("true \\ said", *result.confusion, "abstained")):
        said.add_column(name, justify="right" if place else "left")
    for name, row in result.per_profile.items():
        figures = (
            f"{row['precision']:.3f}",
            f"{row['recall']:.3f}",
            f"{row['f1']:.3f}",
            f"{row['support']:,}",
        )
        table.add_row(name, *figures)
        said.add_row(name, *(f"{count:,}" for count in result.confusion[name].values()))
    console.print(table)
    console.print(said)
    console.print(
        f"{result.classifier}: macro-F1 {result.macro_f1:.3f} on {result.n:,} records, {result.abstained:,} abstained; "
        f"Brier {result.brier:.3f}, ECE {result.ece:.3f}."
    )
    risks = ", ".join(f"{percent(risk)} of {percent(share)}" for share, risk in result.risk_coverage)
    console.print(f"Errors among the most certain: {risks}.", style="dim")
    if result.rejected:
        console.print(f"{result.rejected:,} lines left out: {result.reasons[0]}", style="dim", markup=False)
    for reason, count in result.unanswered.items():
        console.print(f"{count:,} without an answer: {reason}", style="dim", markup=False)


def show_import(console: Console, result: Any) -> None:
    """What became of the lines of a label file."""
    console.print(
        f"Read {result.records:,} labels: {result.stored:,} stored, {result.unchanged:,} unchanged, "
        f"{result.rejected:,} rejected."
    )
    for reason in result.reasons[:5]:
        console.print(f"  {reason}", style="dim", markup=False)


def show_labelled(console: Console, result: Any) -> None:
    """What a sitting brought."""
    console.print(
        f"{result.confirmed:,} confirmed, {result.corrected:,} corrected, {result.skipped:,} skipped; "
        f"{result.human_labels:,} human labels in the store."
    )
