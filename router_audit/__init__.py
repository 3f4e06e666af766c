"""Which logged LLM requests could a cheaper model serve, what would that save, and how sure are we."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_audit.router import Router

__all__ = ["Router"]


def __getattr__(name: str) -> Any:
    """`Router`, imported when it is first asked for: the package itself imports nothing."""
    if name == "Router":
        from router_audit.router import Router

        return Router
    raise AttributeError(name)
