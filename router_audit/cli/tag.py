"""`router-audit tag`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from router_audit.cli.asking import AskAgain, BaseUrl, Batch, BudgetUsd, Concurrency, ModelName, Yes, asking
from router_audit.cli.build_table import PriceFile
from router_audit.cli.options import Db, EncoderName, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit tag --last 1000"

Labeller = Annotated[
    Literal["builtin", "anthropic", "openai-compatible"],
    typer.Option(
        "--labeller", help="`builtin` works on this machine; the others send excerpts of prompts away."
    ),
]
MaxLabels = Annotated[
    int, typer.Option("--max-labels", help="The most contents that a provider is asked about.", min=1)
]


def tag(
    *,
    db: Db = None,
    last: Last = None,
    encoder: EncoderName = None,
    labeller: Labeller = "builtin",
    model: ModelName = None,
    base_url: BaseUrl = None,
    max_labels: MaxLabels = 1000,
    budget_usd: BudgetUsd = None,
    batch: Batch = False,
    concurrency: Concurrency = 8,
    ask_again: AskAgain = False,
    prices: PriceFile = None,
    yes: Yes = False,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Label stored requests with a task profile: classification, extraction, reasoning or coordination."""
    from router_audit.cli.show import show_tags
    from router_audit.stages import tag as stage
    from router_audit.stages.asked_labels import AskedOptions

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        ask = asking(
            out, budget_usd=budget_usd, concurrency=concurrency, ask_again=ask_again, yes=yes, batch=batch
        )
        asked = AskedOptions(
            labeller=labeller, model=model, base_url=base_url, max_labels=max_labels, prices=prices, ask=ask
        )
        options = stage.TagOptions(last=last, encoder=encoder, asked=None if labeller == "builtin" else asked)
        result = stage.tag(store, options, out.progress)
        out.result(result, lambda console: show_tags(console, result))
