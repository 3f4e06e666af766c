"""The log formats that are read: a visible tuple, asked in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.adapters.protocol import Adapter, Record

ADAPTERS: tuple[Adapter, ...] = ()
"""In the order in which they are asked: the most particular signature first, the generic one last."""


def detect(record: Record) -> Adapter | None:
    """The first adapter that knows the record's signature, else None."""
    for adapter in ADAPTERS:
        if adapter.detects(record):
            return adapter
    return None
