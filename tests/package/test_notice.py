"""The line that says what takes long: on stderr, whatever the terminal; it can be silenced."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import spikecuda
from spikecuda.common.notice import notice

ROOT = Path(spikecuda.__file__).resolve().parent.parent


def said(code: str, **env: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-c", f"from spikecuda.common.notice import notice; {code}"],
        capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT), **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    return done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_every_terminal_shows_it(encoding):
    text = said("notice('kept in /home/\\u0142')", PYTHONIOENCODING=encoding)
    shown = "ł" if encoding == "utf-8" else "\\u0142"
    assert text.decode(encoding) == f"spikecuda: kept in /home/{shown}\n"


@pytest.mark.parametrize("stream", ["None", "open('/dev/full', 'w')"])
def test_a_missing_or_full_stderr_does_not_matter(stream):
    said(f"import sys; sys.stderr = {stream}; notice('a'); sys.stderr = None")


def test_it_can_be_silenced():
    assert said("notice('a')", SPIKECUDA_QUIET="1") == b""
    assert said("notice('a')", SPIKECUDA_QUIET="0") == b"spikecuda: a\n"
    assert (
        said("import logging; logging.getLogger('spikecuda').setLevel('WARNING'); notice('a')")
        == b""
    )


def test_a_program_with_handlers_gets_it_there(caplog, capfd):
    with caplog.at_level(logging.INFO, "spikecuda"):
        notice("something takes long")
    assert caplog.messages == ["something takes long"]
    assert "something" not in capfd.readouterr().err
