"""View: the page of a network, pool or system, and what it asks of their runs."""

import contextlib
import weakref
import webbrowser
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from spikecuda.common.arguments import as_count, as_flag, as_real
from spikecuda.common.closing import Closing
from spikecuda.common.exclusive_use import Unique
from spikecuda.common.fixed import Fixed
from spikecuda.common.notebook import escape
from spikecuda.errors import ClosedError, SpikecudaValueError
from spikecuda.view.blocks import Samples
from spikecuda.view.feed import Feed, PieceSpikes
from spikecuda.view.live import Live
from spikecuda.view.server import Server
from spikecuda.view.subject import Subject

HEIGHT = 760


class Page(Closing, Unique, Fixed):
    """A page, or what stands for it in other processes."""

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether it was closed."""

    def _require_open(self) -> None:
        if self.closed:
            raise ClosedError(f"a view must be open (got {self!r}); view() opens another one")


class Served(Page):
    """A page that is served, until it is closed; a context manager.

    Notebooks show it in the output of a cell.

    Args:
        source: what the server shows.
        port: of the loopback address; 0: a free one.
        open: whether to open it in a browser.
        height: of the frame in notebooks, pixels.
    """

    def __init__(self, source: Any, port: object, open: object, height: object) -> None:
        number = as_count("port", port, 0, 65535)
        self._height, opened = as_count("height", height, 100, 10_000), as_flag("open", open)
        self._source = source
        self._server = Server(source, number)
        if opened:
            webbrowser.open(self.url)

    @property
    def url(self) -> str:
        """The address of the page, with its token; whoever knows it can see and change the run."""
        return self._server.address

    @property
    def port(self) -> int:
        """The port of the loopback address."""
        return self._server.port

    @property
    def pages(self) -> int:
        """How many pages look on."""
        return len(self._server.pages)

    @property
    def refused(self) -> dict[str, int]:
        """Requests that were refused, by why: "token", "origin", "host", "message", "pages"."""
        return dict(self._server.refused)

    @property
    def closed(self) -> bool:
        """Whether the page is served no more."""
        return self._server.closed

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until a page looks on.

        Args:
            seconds: the longest time to wait, >= 0.

        Returns:
            Whether one does.
        """
        longest = as_real("seconds", seconds, "s")
        if not 0 <= longest <= 1e6:
            raise SpikecudaValueError(f"seconds must be from 0 to 1e6 s (got {seconds!r})")
        return self._server.wait(longest)

    def close(self) -> None:
        """Let pages have what is left, at most two seconds, and serve no more."""
        self._server.close()
        self._source.close()

    def __repr__(self) -> str:
        what = "closed" if self.closed else self.url
        return f"<{type(self).__name__}: {what}>"

    def _repr_html_(self) -> str:
        if self.closed:
            return f"<p>{escape(repr(self))}</p>"
        return (
            f'<iframe src="{escape(self.url)}" width="100%" height="{self._height}" '
            'title="View of a run" style="border: 0"></iframe>'
            f'<p>Nothing above? Open <a href="{escape(self.url)}" target="_blank">its address</a>, '
            f"and forward port {self.port} if the kernel is on another machine.</p>"
        )


class View(Served):
    """The page of a network, pool or system, which shows its runs as long as it is open.

    ``net.view()``, ``pool.view()`` and ``system.view()`` return it.  It is on the loopback address
    only, and its address has a random token.  A run never waits for a page.  Pages can change
    input and parameters, and stop a run; all of this happens between pieces of the run.

    Args:
        subject: what it shows.
        port, open, height: see ``Network.view``.
    """

    def __init__(self, subject: Subject, port: object, open: object, height: object) -> None:
        self._feed = Feed(subject)
        super().__init__(Live(self._feed), port, open, height)
        self._fix()

    @property
    def changes(self) -> tuple[tuple[float, str, float], ...]:
        """What pages changed: (model time in ms, what, new value); the last 10,000."""
        return tuple(self._feed.changes)


class Follower(Feed):
    """The feed of a process whose run is shown by the page of another one.

    It does what that process decides, and tells nobody.

    Args:
        subject: what runs.
    """

    def tell(self, first: int, stop: int, spikes: PieceSpikes, samples: Sequence[Samples]) -> None:
        """Note that a piece is done."""
        self._clock = stop
        self.done += stop - first


class FollowedView(Page):
    """What ``net.view()`` returns in processes of MPI other than the first, which has the page.

    Args:
        subject: what it shows.
        url: of the page.

    Attributes:
        url: the address of the page, on the machine of rank 0.
    """

    pages = 0

    def __init__(self, subject: Subject, url: str) -> None:
        self._feed, self.url, self._closed = Follower(subject), url, False
        self._fix()

    @property
    def closed(self) -> bool:
        """Whether it was closed here; rank 0 says whether runs are shown."""
        return self._closed

    @property
    def changes(self) -> tuple[tuple[float, str, float], ...]:
        """What pages changed; see ``View``."""
        return tuple(self._feed.changes)

    def close(self) -> None:
        """Do nothing but note it: rank 0 closes the page."""
        self._closed = True

    def __repr__(self) -> str:
        return f"<FollowedView of {self.url}>"


class Viewed:
    """What has a view: the part of a network, pool or system that tells it about runs."""

    _view: View | FollowedView | None = None

    def _open_view(self, subject: Subject, port: object, open: object, height: object) -> View:
        """Return the view that is open, or a new one."""
        if isinstance(self._view, View) and not self._view.closed:
            if port not in (0, self._view.port):
                raise SpikecudaValueError(
                    f"port must be that of the view that is open, {self._view.port}, or 0 (got "
                    f"{port!r}); close() that view first"
                )
            return self._view
        self._view = view = View(subject, port, open, height)
        # What is forgotten without being closed takes its page with it.
        weakref.finalize(self, view._server.stop)
        return view

    def _close_view(self) -> None:
        """Close the view, if there is one."""
        view, self._view = self._view, None
        if view is not None:
            view.close()

    @property
    def _feed(self) -> Feed | None:
        """Where runs tell what they do; None: nobody looks on."""
        view = self._view
        return None if view is None or view.closed or view._feed.lost else view._feed

    @contextmanager
    def _fed(self, feed: Feed | None, total: int, clock: int) -> Iterator[Feed | None]:
        """Tell pages that a run of some steps begins, and how it ends."""
        if feed is None:
            yield None
            return
        feed.begin(total, clock)
        why = "done"
        try:
            yield feed
        except BaseException as error:
            why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)[:300]
            raise
        finally:
            with contextlib.suppress(Exception):
                feed.end(why or "failed")
