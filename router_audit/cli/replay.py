"""`router-audit replay`."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from router_audit.cli.asking import AskAgain, Concurrency, Yes
from router_audit.cli.build_table import Delta, Epsilon, HugeContext, PriceFile, PricesDate
from router_audit.cli.options import Db, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

if TYPE_CHECKING:
    from collections.abc import Callable

    from router_audit.cli.output import Out
    from router_audit.stages.replay import ReplayPlan

EXAMPLE = "Example: router-audit replay --candidate anthropic/claude-haiku-4-5 --judge openai/gpt-5.1 --budget-usd 5"

Candidates = Annotated[
    list[str],
    typer.Option(
        "--candidate", help="provider/model, or provider/model@effort; repeatable.", show_default=False
    ),
]
BudgetUsd = Annotated[
    float, typer.Option("--budget-usd", help="Spending limit of this run in USD: never passed.", min=0)
]
Judge = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="A model, of another maker, that grades what no rule can: provider/model.",
        show_default=False,
    ),
]
OwnFamily = Annotated[
    bool, typer.Option("--allow-own-family", help="Let the judge grade models of its own maker.")
]
BaseUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--base-url",
        help="Address of the provider or proxy, up to /v1; or PROVIDER=URL; repeatable.",
        show_default=False,
    ),
]


def replay(
    candidate: Candidates,
    *,
    budget_usd: BudgetUsd = 5.0,
    judge: Judge = None,
    allow_own_family: OwnFamily = False,
    for_humans: Annotated[
        bool,
        typer.Option("--for-humans", help="Replay also what only a person can grade (`grade --show`)."),
    ] = False,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            help="Per candidate and profile.  [default: what a certificate is likely to need]",
            min=1,
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", help="Only this profile; repeatable.", show_default=False),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show the plan and send nothing.")] = False,
    logprobs: Annotated[
        bool,
        typer.Option("--logprobs", help="Ask for log-probabilities: the confidence that thresholds need."),
    ] = False,
    base_url: BaseUrls = None,
    epsilon: Epsilon = 0.05,
    delta: Delta = 0.05,
    last: Last = None,
    huge_context_tokens: HugeContext = 200_000,
    prices: PriceFile = None,
    prices_date: PricesDate = None,
    concurrency: Concurrency = 8,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds until a call is given up.", min=0.05)
    ] = 120.0,
    ask_again: AskAgain = False,
    yes: Yes = False,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put logged requests to cheaper models and grade the answers, within a budget: evidence for certificates."""
    from router_audit.cli.show_proof import show_plan, show_replay
    from router_audit.stages import replay as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        options = stage.ReplayOptions(
            candidates=tuple(candidate),
            budget_usd=Decimal(str(budget_usd)),
            judge=judge,
            allow_own_family=allow_own_family,
            for_humans=for_humans,
            trials=trials,
            profiles=named_profiles(profile),
            epsilon=epsilon,
            delta=delta,
            last=last,
            huge_context_tokens=huge_context_tokens,
            prices=prices,
            prices_date=prices_date.date() if prices_date else None,
            base_urls=named_urls(base_url),
            logprobs=logprobs,
            concurrency=concurrency,
            timeout_s=timeout,
            ask_again=ask_again,
            confirm=_confirming(out, yes=yes),
        )
        if plan:
            found = stage.plan_only(store, options)
            out.result(found, lambda console: show_plan(console, found))
            return
        result = stage.replay(store, options, out.progress)
        out.result(result, lambda console: show_replay(console, result))


def named_profiles(names: list[str] | None) -> tuple[str, ...]:
    """Profiles as typed; any other word is wrong usage."""
    from router_audit.types.profile import PROFILES

    for name in names or ():
        if name not in PROFILES:
            raise typer.BadParameter(f"--profile takes {', '.join(PROFILES)}, not {name!r}")
    return tuple(names or ())


def named_urls(given: list[str] | None) -> dict[str, str]:
    """`PROVIDER=URL` by provider; a URL alone is every provider's."""
    found = {}
    for text in given or ():
        name, sign, url = text.partition("=")
        provider = bool(sign) and "/" not in name and ":" not in name
        found[name if provider else "*"] = url if provider else text
    return found


def _confirming(out: Out, *, yes: bool) -> Callable[[ReplayPlan], bool]:
    """Shows the plan on stderr and asks; where nobody can be asked, only `--yes` confirms."""

    def confirm(plan: ReplayPlan) -> bool:
        from rich.console import Console

        from router_audit.cli.show_proof import show_plan

        out.progress.close()
        if not (out.quiet and yes):
            show_plan(Console(stderr=True, highlight=False), plan)
        if not plan.prompts and not plan.judgements:
            return True
        return yes or (sys.stdin.isatty() and typer.confirm("Send them?", err=True))

    return confirm
