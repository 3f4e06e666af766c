"""`router-audit build-table`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.options import Db, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit build-table --assume-capable --prices-date 2026-11-01"

Tables = Annotated[Path, typer.Option("--tables", help="Where the versions of the table live.")]
Epsilon = Annotated[
    float,
    typer.Option(
        "--epsilon", help="Regret that a certified route must be proven to stay below.", min=0.001, max=0.5
    ),
]
Delta = Annotated[
    float,
    typer.Option(
        "--delta", help="Chance, over the whole table, of a false certificate.", min=0.0001, max=0.5
    ),
]
LadderFile = Annotated[
    Path | None,
    typer.Option(
        "--ladder",
        help="A ladder of your own (TOML).  [default: of the incumbents' provider]",
        show_default=False,
    ),
]
AssumeCapable = Annotated[
    bool,
    typer.Option(
        "--assume-capable", help="Without evidence, use the ladder's assumed tier; such routes are marked."
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        help="`provisional`: use routes that look right but are not proven yet.",
        show_default=False,
    ),
]
HugeContext = Annotated[
    int,
    typer.Option(
        "--huge-context-tokens", help="A request of more input tokens than this is of huge context.", min=1
    ),
]
PriceFile = Annotated[
    Path | None,
    typer.Option("--prices", help="Your own dated prices (TOML), over the list.", show_default=False),
]
PricesDate = Annotated[
    datetime | None,
    typer.Option(
        "--prices-date",
        formats=["%Y-%m-%d"],
        help="Prices in force on this day.  [default: the day of the last request]",
        show_default=False,
    ),
]
InvoiceUsd = Annotated[
    str | None,
    typer.Option(
        "--invoice-usd",
        help="What the provider billed; beyond the tolerance no saving is printed.",
        show_default=False,
    ),
]
InvoiceMonth = Annotated[
    datetime | None,
    typer.Option(
        "--invoice-month",
        formats=["%Y-%m"],
        help="The month of the invoice.  [default: the whole log]",
        show_default=False,
    ),
]
Tolerance = Annotated[
    float,
    typer.Option("--tolerance", help="Largest relative gap to logged costs and invoice.", min=0.0, max=1.0),
]
LimitsFile = Annotated[
    Path | None,
    typer.Option("--limits", help="Providers' rate limits, regions and pins (TOML).", show_default=False),
]
MaxP95 = Annotated[
    list[str] | None,
    typer.Option(
        "--max-p95-ms",
        help="`MS`, or `PROFILE=MS`: routes that would answer slower are not used.",
        show_default=False,
    ),
]
TokenizerFile = Annotated[
    Path | None,
    typer.Option("--tokenizers", help="Your own factors between tokenizers (TOML).", show_default=False),
]
CanaryShare = Annotated[
    float,
    typer.Option(
        "--canary-share",
        help="Of the requests that are moved: the premium tier answers too.",
        min=0.0,
        max=1.0,
    ),
]


def build_table(
    *,
    db: Db = None,
    last: Last = None,
    tables: Tables = Path("routing_tables"),
    epsilon: Epsilon = 0.05,
    delta: Delta = 0.05,
    ladder: LadderFile = None,
    assume_capable: AssumeCapable = False,
    allow: Allow = None,
    huge_context_tokens: HugeContext = 200_000,
    prices: PriceFile = None,
    prices_date: PricesDate = None,
    invoice_usd: InvoiceUsd = None,
    invoice_month: InvoiceMonth = None,
    tolerance: Tolerance = 0.05,
    limits: LimitsFile = None,
    max_p95_ms: MaxP95 = None,
    tokenizers: TokenizerFile = None,
    canary_share: CanaryShare = 0.01,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the next version of the routing table: per profile, the cheapest model proven capable."""
    from router_audit.cli.show import show_table
    from router_audit.stages import build_table as stage
    from router_audit.stages.money import MoneyOptions

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.build_table(
            store,
            stage.TableOptions(
                folder=tables,
                last=last,
                epsilon=epsilon,
                delta=delta,
                ladder=ladder,
                allow_provisional=allows_provisional(allow),
                assume_capable=assume_capable,
                huge_context_tokens=huge_context_tokens,
                prices=prices,
                prices_date=prices_date.date() if prices_date else None,
                money=MoneyOptions(
                    invoice_usd=amount(invoice_usd),
                    invoice_month=invoice_month.date() if invoice_month else None,
                    tolerance=Decimal(str(tolerance)),
                    limits=limits,
                    max_p95_ms=bounds(max_p95_ms),
                    tokenizers=tokenizers,
                    canary_share=Decimal(str(canary_share)),
                ),
            ),
        )
        out.result(result.document, lambda console: show_table(console, result))


def allows_provisional(allow: list[str] | None) -> bool:
    """Whether `--allow provisional` was said; any other word is wrong usage."""
    for word in allow or []:
        if word != "provisional":
            raise typer.BadParameter(f"--allow takes `provisional`, not {word!r}")
    return bool(allow)


def amount(text: str | None) -> Decimal | None:
    """An amount of USD as it was typed, exactly; a currency sign and thousands separators may stand in it."""
    if text is None:
        return None
    try:
        value = Decimal(text.strip().removeprefix("$").replace(",", "").replace("_", ""))
    except InvalidOperation:
        raise typer.BadParameter(f"--invoice-usd takes an amount like 1234.56, not {text!r}") from None
    if not value.is_finite() or value < 0:
        raise typer.BadParameter("--invoice-usd takes an amount of zero or more")
    return value


def bounds(words: list[str] | None) -> dict[str, float]:
    """`MS` or `PROFILE=MS`, by profile; `*` stands for every profile."""
    from router_audit.types import PROFILES

    found: dict[str, float] = {}
    for word in words or []:
        profile, _, limit = word.rpartition("=")
        if profile and profile not in PROFILES:
            raise typer.BadParameter(f"--max-p95-ms knows {', '.join(PROFILES)}, not {profile!r}")
        try:
            value = float(limit)
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise typer.BadParameter(f"--max-p95-ms takes milliseconds above 0, not {limit!r}")
        found[profile or "*"] = value
    return found
