"""Where the rows of a sweep cannot be is refused before anything starts, with what to do."""

import pytest

from spikecuda import sweep
from spikecuda.errors import SpikecudaValueError


def nothing(a):
    raise AssertionError("the sweep began")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "must be a file .got the folder"),
        ("missing/rows.json", r"must be in a folder that exists .*make .*missing first"),
        ("file/rows.json", "must be in a folder that exists"),
        ("nul\0.json", "NUL"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused(tmp_path, name, text):
    (tmp_path / "file").write_text("text", encoding="utf-8")
    for options in ({}, {"task": (0, 2)}):
        with pytest.raises(SpikecudaValueError, match=text):
            sweep(nothing, {"a": [1]}, path=f"{tmp_path}/{name}", workers=1, **options)
