"""The ids that a BERT tokenizer gives a text, its common words looked up instead of cut."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

KEPT_WORDS = 65_536
"""Words of several pieces, or of other scripts, whose ids are remembered."""
MAX_KEPT = 64
"""Characters of the longest word that is remembered."""
_MARKS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""What Python and the tokenizer do not both take for a blank, or both not."""


class WordPieces:
    """Looks words up in the vocabulary of a lower-casing WordPiece tokenizer; safe between threads.

    Such a tokenizer takes each word by itself, words end at blanks and at ASCII marks, and a word of the vocabulary
    is one piece. Looking up takes a tenth of the time of the tokenizer, which also tracks offsets.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._special = tuple(token.content for token in tokenizer.get_added_tokens_decoder().values())
        self._whole: dict[str, tuple[int, ...]] = {
            word: (number,)
            for word, number in tokenizer.get_vocab(with_added_tokens=False).items()
            if word.isascii() and (word.isalnum() or word in _MARKS) and word == word.lower()
        }
        self._kept = lru_cache(maxsize=KEPT_WORDS)(self._cut)

    def ids(self, text: str) -> list[int]:
        """Return what the tokenizer returns for `text` without special tokens and without truncation."""
        if _CONTROL.search(text) or any(map(text.__contains__, self._special)):
            return list(self._cut(text))
        plain = text.isascii()
        if plain:
            text = text.lower()
        for mark in _MARKS.intersection(text):
            text = text.replace(mark, f" {mark} ")
        found: list[int] = []
        for word in text.split():
            pieces = self._whole.get(word if plain or not word.isascii() else word.lower())
            if pieces is None:
                pieces = self._kept(word) if len(word) <= MAX_KEPT else self._cut(word)
            found.extend(pieces)
        return found

    def _cut(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)
