"""`router-audit evaluate`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.asking import (
    AskAgain,
    BaseUrl,
    BudgetUsd,
    Concurrency,
    ModelName,
    ProviderName,
    Yes,
    asking,
)
from router_audit.cli.build_table import PriceFile
from router_audit.cli.options import Db, Json, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit evaluate gold.jsonl.gz --json"

GoldFile = Annotated[
    Path,
    typer.Argument(
        help='Gold labels as JSONL (also .gz, .zst): {"system"?, "prompt" or "messages", "tools"?, "profile"}.',
        show_default=False,
    ),
]
ClassifierName = Annotated[
    str,
    typer.Option("--classifier", help="`builtin`, `latest`, a version that `train` printed, or `prompt`."),
]


def evaluate(
    gold: GoldFile,
    *,
    classifier: ClassifierName = "builtin",
    db: Db = None,
    labeller: ProviderName = None,
    model: ModelName = None,
    base_url: BaseUrl = None,
    budget_usd: BudgetUsd = None,
    concurrency: Concurrency = 8,
    ask_again: AskAgain = False,
    prices: PriceFile = None,
    yes: Yes = False,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a classifier on anybody's gold labels: F1, confusion, calibration, the price of abstaining."""
    from router_audit.cli.show_labels import show_evaluation
    from router_audit.stages import evaluate as stage
    from router_audit.stages.prompt_form import PromptAsking

    with output(json=json, quiet=quiet) as out:
        ask = asking(out, budget_usd=budget_usd, concurrency=concurrency, ask_again=ask_again, yes=yes)
        how = PromptAsking(labeller=labeller, model=model, base_url=base_url, prices=prices, ask=ask)
        options = stage.EvaluateOptions(gold=gold, classifier=classifier, prompt=how)
        needs_store = classifier != "builtin"
        with opened(db, wait) if needs_store else nullcontext() as store:
            result = stage.evaluate(store, options, out.progress)
        out.result(result, lambda console: show_evaluation(console, result))
