"""Words looked up in the vocabulary give the ids that the tokenizer gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from router_audit.embedding import minilm_folder
from router_audit.embedding.protocol import encodable
from router_audit.embedding.word_pieces import WordPieces

TOKENIZER = Tokenizer.from_file(str(minilm_folder(check=False) / "tokenizer.json"))
TOKENIZER.no_padding()
TOKENIZER.no_truncation()
PIECES = WordPieces(TOKENIZER)
SHARP = st.sampled_from(
    ["[MASK]", "[SEP", "##ing", "İ", "ſ", "ΑΣ", "é", "e\u0301", "=\u0338", "中文", "ﬁne", "\u00ad", "\x1c", "\x85", "\u2028",
     "\ufeff", "don't", "Zürich,", "rock'n'roll", "2024-05-31", "x" * 101, "ﷺ", "🙂"]
)  # fmt: skip


@given(st.lists(st.one_of(st.text(max_size=20), SHARP, st.sampled_from([" ", "\n", "."])), max_size=12))
def test_any_text_has_the_ids_of_the_tokenizer(parts: list[str]) -> None:
    text = encodable("".join(parts))
    assert PIECES.ids(text) == TOKENIZER.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize(
    "text", ["", "Classify the review, label only.", "Müller's 3rd résumé – 12.50 €", "a\x1cb [MASK] [mask]"]
)
def test_some_texts_have(text: str) -> None:
    assert PIECES.ids(text) == TOKENIZER.encode(text, add_special_tokens=False).ids
