"""Sentence encoders behind one Protocol: MiniLM in numpy (default), any sentence-transformers model, and hashed words."""

from __future__ import annotations

from router_audit.embedding.cached import CachedEncoder
from router_audit.embedding.hashed_words import HASHED_DIMENSION, HashedWords
from router_audit.embedding.minilm import MINILM_SHA256, MiniLM, check_weights, minilm_folder
from router_audit.embedding.protocol import Encoder
from router_audit.embedding.sentence_transformer import TorchEncoder

__all__ = [
    "HASHED_DIMENSION",
    "MINILM_SHA256",
    "CachedEncoder",
    "Encoder",
    "HashedWords",
    "MiniLM",
    "TorchEncoder",
    "check_weights",
    "load_encoder",
    "minilm_folder",
]


def load_encoder(name: str = "minilm") -> Encoder:
    """Return the encoder called `name`: "minilm", "minilm-torch", "hashed-words", or a folder or hub name for sentence-transformers."""
    if name == "minilm":
        return MiniLM(minilm_folder())
    if name == "hashed-words":
        return HashedWords()
    if name == "minilm-torch":
        return TorchEncoder(str(minilm_folder()), "minilm-torch")
    return TorchEncoder(name, name)
