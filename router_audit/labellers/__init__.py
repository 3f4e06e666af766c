"""Who may say what kind of work a request asks for.

`builtin` judges on this machine. The members of `ASKED` are model providers: naming one sends excerpts of
requests to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from router_audit.labellers import anthropic, openai_compatible

if TYPE_CHECKING:
    from router_audit.llm import Client

__all__ = ["ASKED", "NAMES", "AskedLabeller"]


class AskedLabeller(Protocol):
    """A labeller that asks a model provider."""

    NAME: str
    DEFAULT_MODEL: str | None
    """The model asked where none is named."""
    BATCHES: bool
    """Whether it can label in batches."""

    def client(self, model: str, base_url: str | None, *, timeout_s: float, max_retries: int) -> Client:
        """The provider's model, ready to be asked; ModelError where it cannot be."""
        ...


ASKED: dict[str, AskedLabeller] = {
    anthropic.NAME: anthropic,
    openai_compatible.NAME: openai_compatible,
}
NAMES = ("builtin", *ASKED)
