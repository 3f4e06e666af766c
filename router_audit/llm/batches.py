"""Anthropic's Message Batches: half the price, an answer within a day, results by name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from router_audit.errors import ModelError
from router_audit.llm.anthropic import body, read
from router_audit.types.ask import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from router_audit.llm.anthropic import AnthropicClient
    from router_audit.types.ask import Ask

MOST_CALLS = 10_000
"""Of one batch; the API takes 100,000 or 256 MB."""
MOST_BYTES = 100_000_000
TRIES = 5


def submit(client: AnthropicClient, asks: Mapping[str, Ask]) -> str:
    """Create a batch of calls, each named by its key; the batch's id.

    Only a creation that was turned away is tried again: one whose answer was lost may exist, and a second
    would be paid twice. Raises ModelError where it cannot be created, `UncertainError` where nobody knows.
    """
    import anthropic

    once = client.sdk.with_options(max_retries=0)
    requests = [{"custom_id": key, "params": body(client.model, ask)} for key, ask in asks.items()]
    for attempt in range(TRIES):
        client.sends.begin(None)
        try:
            return str(once.messages.batches.create(requests=requests).id)  # type: ignore[arg-type]
        except anthropic.APIStatusError as error:
            if client.sends.lost(answered=False):
                raise UncertainError from None
            if error.status_code not in {429, 529, 503} or attempt == TRIES - 1:
                raise ModelError(
                    f"the batch was refused ({error.status_code}); try again later", where=client.host
                ) from None
            time.sleep(_pause_s(error.response.headers.get("retry-after"), attempt))
        except (anthropic.AnthropicError, ValueError):
            raise UncertainError from None
    raise AssertionError  # the loop returns or raises


class UncertainError(ModelError):
    """The creation of a batch was sent and its answer was lost: it may exist."""

    def __init__(self) -> None:
        super().__init__(
            "the batch was sent but its answer was lost; run the same command again, which looks for it before "
            "it sends another",
            where="Message Batches",
        )


def find(client: AnthropicClient, *, since: datetime, calls: int) -> list[str]:
    """Ids of the batches of that many calls made since a moment: where one whose creation was lost would be."""
    found = []
    for batch in client.sdk.messages.batches.list(limit=100):
        if batch.created_at < since:
            break
        counts = batch.request_counts
        total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
        if total == calls:
            found.append(batch.id)
    return found


def ended(client: AnthropicClient, batch_id: str) -> bool:
    """Whether the batch is done. Raises ModelError where the provider does not answer."""
    import anthropic

    try:
        return client.sdk.messages.batches.retrieve(batch_id).processing_status == "ended"
    except (anthropic.AnthropicError, ValueError) as error:
        raise ModelError(
            f"the batch cannot be looked at ({type(error).__name__}); run the same command again, nothing is lost",
            where=batch_id,
        ) from None


def results(client: AnthropicClient, batch_id: str) -> Iterator[tuple[str, Answer]]:
    """(key, answer) of each call of a batch that has ended. Raises ModelError where they do not come whole."""
    import anthropic

    try:
        for entry in client.sdk.messages.batches.results(batch_id):
            result = entry.result.model_dump(warnings=False)
            if result["type"] == "succeeded":
                yield entry.custom_id, read(result["message"], latency_ms=0.0)
            else:
                detail = ((result.get("error") or {}).get("error") or {}).get("message") or ""
                yield entry.custom_id, Answer("error", reason=f"batch: {result['type']} {detail}".strip())
    except (anthropic.AnthropicError, ValueError) as error:
        raise ModelError(
            f"the batch's results broke off ({type(error).__name__}); run the same command again, nothing is lost",
            where=batch_id,
        ) from None


def _pause_s(retry_after: str | None, attempt: int) -> float:
    try:
        return min(float(retry_after or ""), 60.0)
    except ValueError:
        return min(0.5 * 2.0**attempt, 8.0)
