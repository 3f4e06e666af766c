"""Sentence encoders behind one Protocol: MiniLM in numpy, its token table alone, any sentence-transformers model, and hashed words."""

from __future__ import annotations

from functools import lru_cache

from router_audit.embedding.cached import CachedEncoder
from router_audit.embedding.hashed_words import HASHED_DIMENSION, HashedWords
from router_audit.embedding.minilm import MINILM_SHA256, MiniLM, check_weights, minilm, minilm_folder
from router_audit.embedding.protocol import Encoder
from router_audit.embedding.sentence_transformer import TorchEncoder
from router_audit.embedding.static import StaticTokens, static_tokens

DEFAULT_ENCODER = "static"
"""What vectors a user's own classifier is trained over. MiniLM's forward pass costs a hundred times as much; split by
system prompt it tells no more of a log's own kinds of work, on sources that the log does not hold a little more."""

KEPT_SENTENCES = 8192

__all__ = [
    "DEFAULT_ENCODER",
    "HASHED_DIMENSION",
    "MINILM_SHA256",
    "CachedEncoder",
    "Encoder",
    "HashedWords",
    "MiniLM",
    "StaticTokens",
    "TorchEncoder",
    "check_weights",
    "load_encoder",
    "minilm_folder",
    "sentences",
    "static_tokens",
]


def load_encoder(name: str = DEFAULT_ENCODER) -> Encoder:
    """Return the encoder called `name`: "minilm", "static", "minilm-torch", "hashed-words", or a folder or hub name for sentence-transformers."""
    if name == "minilm":
        return minilm()
    if name == "static":
        return static_tokens()
    if name == "hashed-words":
        return HashedWords()
    if name == "minilm-torch":
        return TorchEncoder(str(minilm_folder()), "minilm-torch")
    return TorchEncoder(name, name)


@lru_cache(maxsize=1)
def sentences() -> CachedEncoder:
    """Return MiniLM with a memory, loaded once a process: a log's orders are few, and short."""
    return CachedEncoder(minilm(), KEPT_SENTENCES)
