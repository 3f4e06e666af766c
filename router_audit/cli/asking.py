"""What the commands that ask model providers share: their options, and the plan that is shown and confirmed."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from router_audit.cli.output import Out
    from router_audit.stages.asking import AskOptions, AskPlan

ProviderName = Annotated[
    Literal["anthropic", "openai-compatible"] | None,
    typer.Option("--labeller", help="The provider that is asked.", show_default=False),
]
ModelName = Annotated[str | None, typer.Option("--model", help="The provider's model.", show_default=False)]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", help="Address of the provider or proxy, up to /v1.", show_default=False),
]
BudgetUsd = Annotated[
    float | None,
    typer.Option(
        "--budget-usd",
        help="Spending limit of this run, in USD: never passed.  [default: 5]",
        min=0,
        show_default=False,
    ),
]
Batch = Annotated[
    bool, typer.Option("--batch", help="Anthropic's Message Batches: half the price, within a day.")
]
Concurrency = Annotated[int, typer.Option("--concurrency", help="Calls under way at once.", min=1, max=64)]
AskAgain = Annotated[
    bool,
    typer.Option(
        "--ask-again", help="Ask again what a stopped run had under way, which may have been paid already."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Confirm the plan without being asked.")]


def asking(
    out: Out,
    *,
    budget_usd: float | None,
    concurrency: int,
    ask_again: bool,
    yes: bool,
    batch: bool = False,
) -> AskOptions:
    """The shared options as the stages take them."""
    from router_audit.stages.asking import AskOptions

    return AskOptions(
        budget_usd=None if budget_usd is None else Decimal(str(budget_usd)),
        confirm=confirming(out, yes=yes),
        concurrency=concurrency,
        batch=batch,
        ask_again=ask_again,
    )


def confirming(out: Out, *, yes: bool) -> Callable[[AskPlan], bool]:
    """Shows the plan on stderr and asks; where nobody can be asked, only `--yes` confirms."""

    def confirm(plan: AskPlan) -> bool:
        out.progress.close()
        if not out.quiet or not yes:
            for line in plan_lines(plan):
                typer.echo(line, err=True)
        return yes or (sys.stdin.isatty() and typer.confirm("Send them?", err=True))

    return confirm


def plan_lines(plan: AskPlan) -> list[str]:
    """The plan as a person reads it."""
    way = "in batches" if plan.batch else "one by one"
    lines = [
        f"Plan: {plan.purpose}. {plan.prompts:,} prompts (excerpts) leave this machine, to {plan.host}, {way}."
    ]
    if plan.stored:
        lines.append(f"  {plan.stored:,} answers are in the store already and cost nothing.")
    if plan.lost:
        lines.append(
            f"  {plan.lost:,} were under way when an earlier run was stopped, may have been paid, "
            "and are not asked again (--ask-again does)."
        )
    if plan.budget_usd is None:
        lines.append("  No price is known for this model: it is taken to cost nothing.")
    else:
        lines.append(
            f"  About ${plan.likely_usd:.4f}, at most ${plan.worst_usd:.4f} without retries; "
            f"the budget of ${plan.budget_usd:.2f} is never passed. Prices: {plan.price_source}."
        )
    return lines
