"""What is never stored: API keys, tokens and private keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

KEY = "[api key]"

_MARK = "sk[-_]|AKIA|gh[po]_|github_pat_|xox[abprs]-|AIza|hf_|gsk_|glpat-|Bearer |PRIVATE KEY|eyJ"
"""Cheap to look for; a text without any holds no key."""

_KEYS = (
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|sk_(?:live|test)_[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{16}|gh[po]_[A-Za-z0-9]{30,}"
    r"|github_pat_[A-Za-z0-9_]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{30,}|hf_[A-Za-z0-9]{30,}"
    r"|gsk_[A-Za-z0-9]{30,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)
_BEARER = r"(Bearer )[A-Za-z0-9._~+/=-]{20,}"


def masked(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """The frame with the text columns masked."""
    import polars as pl

    for name in columns:
        if frame[name].dtype == pl.String and frame[name].str.contains(_MARK).any():
            frame = frame.with_columns(
                pl.col(name).str.replace_all(_KEYS, KEY).str.replace_all(_BEARER, "${1}" + KEY)
            )
    return frame
