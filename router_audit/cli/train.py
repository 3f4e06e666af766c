"""`router-audit train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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
from router_audit.cli.options import Db, EncoderName, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit train"

Form = Annotated[
    Literal["embedding", "prompt"],
    typer.Option("--form", help="`prompt`: an instruction with examples for an LLM, chosen by asking it."),
]
ExampleTokens = Annotated[
    int, typer.Option("--example-tokens", help="Room for the examples of a prompt, in tokens.", min=0)
]
PromptFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Also write the chosen prompt to this file; with --builtin, the folder to write the head to.",
        show_default=False,
    ),
]
BuiltinCorpus = Annotated[
    list[Path] | None,
    typer.Option(
        "--builtin",
        help="Instead: rebuild the shipped labeller from this folder of tasks or file of labelled rows; repeatable.",
        show_default=False,
    ),
]


def train(
    *,
    db: Db = None,
    last: Last = None,
    encoder: EncoderName = None,
    form: Form = "embedding",
    builtin: BuiltinCorpus = None,
    labeller: ProviderName = None,
    model: ModelName = None,
    base_url: BaseUrl = None,
    example_tokens: ExampleTokens = 2000,
    out_file: PromptFile = None,
    budget_usd: BudgetUsd = None,
    concurrency: Concurrency = 8,
    ask_again: AskAgain = False,
    prices: PriceFile = None,
    yes: Yes = False,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the classifier on the labels, measure it on templates it has not seen, and tag all traffic with it."""
    if builtin:
        _rebuild(builtin, out_file, json=json, quiet=quiet)
        return
    from router_audit.cli.show import show_training
    from router_audit.cli.show_labels import show_prompt_training
    from router_audit.stages import train as stage
    from router_audit.stages.prompt_form import PromptAsking

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        options = stage.TrainOptions(last=last, encoder=encoder)
        if form == "embedding":
            result = stage.train(store, options, out.progress)
            out.result(result, lambda console: show_training(console, result))
            return
        how = PromptAsking(
            labeller=labeller,
            model=model,
            base_url=base_url,
            prices=prices,
            example_tokens=example_tokens,
            out=out_file,
            ask=asking(out, budget_usd=budget_usd, concurrency=concurrency, ask_again=ask_again, yes=yes),
        )
        chosen = stage.train_as_prompt(store, options, how, out.progress)
        out.result(chosen, lambda console: show_prompt_training(console, chosen))


def _rebuild(corpus: list[Path], folder: Path | None, *, json: bool, quiet: bool) -> None:
    from router_audit.cli.show import show_builtin_training
    from router_audit.stages.train_builtin import train_builtin

    with output(json=json, quiet=quiet) as out:
        result = train_builtin(corpus, folder, out.progress)
        out.result(result, lambda console: show_builtin_training(console, result))
