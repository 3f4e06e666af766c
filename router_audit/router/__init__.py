"""One decision per request from a table in a file: no network, no store, safe between threads, reloaded when the table changes."""

from router_audit.router.router import CANARY_KEY, Explanation, Router

__all__ = ["CANARY_KEY", "Explanation", "Router"]
