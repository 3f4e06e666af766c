"""The other settings of a table, computed beside it so that a report can show them without the command.

A part of `build-table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.pricing.limits import read_limits
from router_audit.types.capacity import Limits
from router_audit.what_if import Setting, what_if, what_if_block

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.plans import Trials
    from router_audit.stages.money import Money, MoneyOptions
    from router_audit.types import Ladder, Route


def what_if_content(
    tables: Mapping[float, Sequence[Route]],
    ladder: Ladder,
    tiers: Mapping[str, str],
    trials: Trials,
    found: Money,
    options: MoneyOptions,
    *,
    epsilon: float,
    words: str,
) -> dict[str, Any] | None:
    """The `what_if` block of a table's savings; None where no setting would move a request."""
    setting = Setting(
        basis=found.basis,
        known_waits=found.known_waits,
        today=found.today,
        ladder=ladder,
        trials=trials,
        limits=read_limits(options.limits) if options.limits else Limits(),
        overheads=found.overheads,
        bounds=options.max_p95_ms or {},
        economy={ref for ref, tier in tiers.items() if tier == ladder.tiers[0]},
        epsilon=epsilon,
    )
    return what_if_block(what_if(tables, setting), withheld=bool(found.withheld), options=words)
