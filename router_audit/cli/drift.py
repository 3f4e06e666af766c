"""`router-audit drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from router_audit.cli.options import Db, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.types.drift import Drift

EXAMPLE = "Example: router-audit drift --days 30"


def drift(
    *,
    days: Annotated[
        float, typer.Option("--days", help="Length of the two windows that are compared.", min=0.01)
    ] = 30.0,
    last: Last = None,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare the last days with the days before: mix of profiles and templates, content, new templates."""
    from router_audit.stages import drift as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.drift(store, stage.DriftOptions(days=days, last=last))
        out.result({"drifted": result.drifted, **_fields(result)}, lambda console: show(console, result))


def _fields(result: Drift) -> dict[str, object]:
    from dataclasses import fields

    return {field.name: getattr(result, field.name) for field in fields(result)}


def show(console: Console, drift: Drift) -> None:
    """What moved, by how much, and what is new."""
    if drift.since is None:
        console.print(
            f"The log has no {drift.days:g} days before its last {drift.days:g}: nothing to compare."
        )
        return
    console.print(
        f"{drift.now:,} requests since {drift.since:%Y-%m-%d}, {drift.before:,} in the {drift.days:g} days before."
    )
    for mix in drift.stability:
        most = "; ".join(f"{name[:24]} {p:.0%} → {q:.0%}" for name, p, q in mix.shares[:3])
        console.print(f"Mix of {mix.of}s: {mix.size} (index {mix.index:.2f}): {most}", markup=False)
    for test in drift.tests:
        word = "asks for other things than before" if test.differs else "asks for the same as before"
        console.print(
            f"{test.profile} {word}: told apart {test.accuracy:.0%} of the time, p = {test.p_value:.2g}"
        )
    for profile, why in drift.untested.items():
        console.print(f"{profile} not tested: {why}", style="dim")
    for template in drift.new_templates:
        console.print(
            f"New: {template.requests:,} requests ({template.share:.1%}) of {template.profile or 'no profile'}: "
            f"{template.example}",
            markup=False,
        )
