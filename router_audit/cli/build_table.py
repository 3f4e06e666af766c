"""`router-audit build-table`."""

from __future__ import annotations

from datetime import datetime
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
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the next version of the routing table: per profile, the cheapest model proven capable."""
    from router_audit.cli.show import show_table
    from router_audit.stages import build_table as stage

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
            ),
        )
        out.result(result.document, lambda console: show_table(console, result))


def allows_provisional(allow: list[str] | None) -> bool:
    """Whether `--allow provisional` was said; any other word is wrong usage."""
    for word in allow or []:
        if word != "provisional":
            raise typer.BadParameter(f"--allow takes `provisional`, not {word!r}")
    return bool(allow)
