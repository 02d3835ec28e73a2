"""A result in a browser: served, as one file, or as a sequence of pictures."""

import base64
import contextlib
import json
import os
import weakref
from collections import deque
from pathlib import Path
from typing import Any

from spikecuda.common.arguments import as_path
from spikecuda.common.files import write_text
from spikecuda.view.assets import MARK, SCRIPTS, STYLE, read
from spikecuda.view.blocks import Backlog
from spikecuda.view.protocol import frame, text
from spikecuda.view.recorded import Recorded, recording_of
from spikecuda.view.view import HEIGHT, Served

# Pages that somebody looks at although nothing may hold them: ``result.view(open=True)``, and what
# a notebook shows.  The last few stay.
_SHOWN: "deque[ResultView]" = deque(maxlen=8)


class ResultView(Served):
    """A page that shows a result, as long as it is open; see ``show``.

    It is closed when nothing holds it, but for the last eight that were opened or that a notebook
    shows.

    Args:
        result, port, open, height: see ``show``.
    """

    def __init__(self, result: Any, port: object, open: object, height: object) -> None:
        super().__init__(Recorded(recording_of(result)), port, open, height)
        weakref.finalize(self, self._server.stop)
        self._fix()
        if open:
            self._stay()

    def _stay(self) -> None:
        """Stay open though nothing holds it."""
        if self not in _SHOWN:
            _SHOWN.append(self)

    def close(self) -> None:
        """Let pages have what is left, at most two seconds, and serve no more."""
        super().close()
        with contextlib.suppress(ValueError):
            _SHOWN.remove(self)

    def _repr_html_(self) -> str:
        if not self.closed:
            self._stay()
        return super()._repr_html_()


def show(result: Any, *, port: int = 0, open: bool = False, height: int = HEIGHT) -> ResultView:
    """Serve a page that shows a result, like that of ``net.view()``.

    Args:
        result: of a network, a pool or a system, with spikes.
        port: of the loopback address; 0: a free one.
        open: whether to open it in a browser.
        height: of the frame in notebooks, pixels.

    Returns:
        The page, until it is closed or nothing holds it; a context manager.  The last eight that
        were opened in a browser, or that a notebook shows, stay open.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.
        MissingPackageError: websockets is not installed.
    """
    return ResultView(result, port, open, height)


def write_html(result: Any, path: str | os.PathLike[str]) -> Path:
    """Write a page that shows a result and needs no other file, server or network.

    Args:
        result: of a network, a pool or a system, with spikes.
        path: of the file.  A million spikes take 11 MB; above six million, it has a part of them,
            evenly in time, and the rates of all.

    Returns:
        The path.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.
        OSError: the file cannot be written.
    """
    recording, path = recording_of(result), as_path(path)
    backlog = Backlog(lossless=True)
    for block in recording.blocks():
        backlog.add(block)
    lost = recording.points - backlog.points
    frames = []
    while (block_or_none := backlog.take()) is not None:
        frames.append(base64.b64encode(frame(block_or_none, lost)).decode())
    texts = [json.loads(text(kind, **values)) for kind, values in recording.news().items()]
    data = json.dumps({"texts": texts, "frames": frames}, separators=(",", ":"))
    data = data.replace("<", "\\u003c")  # within a script, "</" would end it
    parts = [f'<script type="application/json" id="recorded">{data}</script>']
    parts += [f"<script>\n{read(script)}</script>" for script in SCRIPTS]
    style = f"<style>\n{read('page.css')}</style>"
    page = read("page.html").replace(STYLE, style).replace(MARK, "\n".join(parts) + "\n")
    return write_text(path, page)
