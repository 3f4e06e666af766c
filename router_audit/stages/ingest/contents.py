"""What identifies equal prompts, whatever log they stand in: templates, conversations and questions."""

from __future__ import annotations

from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.types import Message


def _hash(*parts: bytes) -> str:
    return blake2b(b"\x1f".join(parts), digest_size=16).hexdigest()


NO_TEMPLATE = _hash(b"\x00", b"[]", b"\x00")
"""The template of a call that has neither system prompt nor tools nor response format."""


def content_hash(template: str, conversation: bytes) -> str:
    """What identifies equal prompts: template and messages as they are stored, whatever wrote the log."""
    return sha256(template.encode() + conversation).hexdigest()[:32]


def ask_hash(conversation: list[Message]) -> str | None:
    """What identifies the question, if it is a user's turn that the call answers."""
    if not conversation or conversation[-1].role != "user":
        return None
    return question_hash("\n".join([part.content for part in conversation[-1].parts if part.content]))


_question = blake2b(digest_size=8).copy
"""A copy is made faster than a new one."""


def question_hash(said: str | None) -> str | None:
    """What identifies a question; case and outer spaces aside."""
    if not said:
        return None
    digest = _question()
    digest.update(said.strip().lower().encode("utf-8", "replace"))
    return digest.hexdigest()


class Templates:
    """The templates that the calls of a shard use."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[bytes | None, bytes, bytes | None]] = {}
        """Identity to system prompt, tools and response format."""
        self._of: dict[tuple[str | None, bytes, bytes | None], str] = {}

    def of(self, system: str | None, tools: bytes, response_format: bytes | None) -> str:
        """The identity of the template of a call; tools and response format are JSON with sorted keys."""
        key = (system, tools, response_format)
        made = self._of.get(key)
        if made is None:
            text = None if system is None else system.encode("utf-8", "replace")
            made = self._of[key] = _hash(b"\x00" if text is None else text, tools, response_format or b"\x00")
            self.rows[made] = (text, tools, response_format)
        return made
