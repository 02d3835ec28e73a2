"""The examples of the documentation run as they stand, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "emulator.md"


def test_examples_run():
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 8
    names: dict = {"__name__": "emulator_page"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
