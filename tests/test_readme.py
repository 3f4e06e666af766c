"""What the README shows is what the program prints."""

from __future__ import annotations

import pytest

from tests.readme import BLOCKS, README, block


@pytest.mark.parametrize("name", BLOCKS)
def test_a_generated_block_is_current(name: str) -> None:
    assert block(README.read_text("utf-8"), name) == BLOCKS[name](), "run `make readme`"
