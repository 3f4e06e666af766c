"""`router-audit prices`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from router_audit.cli.build_table import PriceFile
from router_audit.cli.options import Json, Quiet
from router_audit.cli.output import output

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.stages.prices import PricesResult

EXAMPLE = "Example: router-audit prices claude-haiku-4-5 google/gemini-2.5-flash --date 2026-11-01"

Models = Annotated[
    list[str] | None,
    typer.Argument(
        help="Models as a log names them.  [default: those of the shipped ladders]", show_default=False
    ),
]
On = Annotated[
    datetime | None,
    typer.Option(
        "--date",
        formats=["%Y-%m-%d"],
        help="Prices in force on this day.  [default: today]",
        show_default=False,
    ),
]


def prices(
    models: Models = None,
    *,
    date: On = None,
    prices: PriceFile = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what models cost on a day, where that is known from, what is cheaper and what will change."""
    from router_audit.stages import prices as stage

    with output(json=json, quiet=quiet) as out:
        result = stage.prices(models or [], date.date() if date else None, prices)
        out.result(stage.as_json(result), lambda console: show(console, result))


_FEW = 5
"""Of more models than this the cheaper ones beside them are in the JSON alone."""


def show(console: Console, result: PricesResult) -> None:
    """A table of prices, then what a reader should know of them."""
    from rich.table import Table

    from router_audit.types.price import ModelPrice

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("model", "input", "output", "cache read", "cache write", "window"):
        table.add_column(name, justify="left" if name == "model" else "right", overflow="fold")
    notes: list[str] = []
    for row in result.rows:
        price = row.found
        if not isinstance(price, ModelPrice):
            notes.append(f"{row.asked}: {price.reason}.")
            continue
        cells = (price.input_mtok, price.output_mtok, price.cache_read_mtok, price.cache_write_mtok)
        window = f"{price.context_window:,}" if price.context_window else "–"
        table.add_row(price.ref, *("–" if cell is None else f"{cell:f}" for cell in cells), window)
        notes += [
            f"{price.ref}: over {band.over_input_tokens:,} input tokens "
            f"{band.rates.input_mtok:f} in, {band.rates.output_mtok:f} out."
            for band in price.bands
        ]
        if price.deprecated:
            notes.append(f"{price.ref} is deprecated.")
        for change in row.changes:
            what = (
                "retires"
                if change.what == "retirement"
                else f"will cost {change.input_mtok:f} in, {change.output_mtok:f} out"
            )
            notes.append(f"{price.ref} {what} from {change.on}.")
        if len(result.rows) <= _FEW and row.peers:
            peers = ", ".join(f"{p.model} ({p.input_mtok:f}/{p.output_mtok:f})" for p in row.peers)
            notes.append(f"Cheaper than {price.model} at {price.provider}: {peers}.")
    console.print(table)
    for note in notes:
        console.print(note, markup=False)
    age = f"{result.age_days} days before" if result.age_days >= 0 else f"{-result.age_days} days after"
    console.print(
        f"USD per million tokens on {result.on}, from {result.source}: checked {age} that day.", style="dim"
    )
    if result.stale:
        console.print("That list is stale: upgrade genai-prices, or pass --prices.")
