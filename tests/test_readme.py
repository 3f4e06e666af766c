"""What the README shows is what the program prints."""

from __future__ import annotations

import re

import pytest

from tests.readme import BLOCKS, README, block


@pytest.mark.parametrize("name", BLOCKS)
def test_a_generated_block_is_current(name: str) -> None:
    assert shape(block(README.read_text("utf-8"), name)) == shape(BLOCKS[name]()), "run `make readme`"


def shape(text: str) -> list[str]:
    """The words, with every figure as `#`: another machine may round a trained number another way."""
    return re.sub(r"\b[0-9a-f]{16}\b|\d[\d,.]*\d|\d", "#", text).split()
