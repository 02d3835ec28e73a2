"""The view of a network, which over processes of MPI the first of them has for all."""

from spikecuda.devices.base import Device
from spikecuda.network.device_names import over_processes
from spikecuda.network.ranks.ranks import all_ranks, first_of
from spikecuda.network.ranks.telling import telling
from spikecuda.network.viewed import NetworkSubject
from spikecuda.view.feed import Feed
from spikecuda.view.view import FollowedView, View, Viewed


class SharedView(Viewed):
    """What has a view, perhaps one of several processes.

    Attributes:
        devices: checked names.
    """

    devices: tuple[str | Device, ...]

    def _open_for_all(
        self, subject: NetworkSubject, port: object, open: object, height: object
    ) -> View | FollowedView:
        """Return the view of this process, which the first one serves; all call it together."""
        if not over_processes(self.devices):
            return self._open_view(subject, port, open, height)
        ranks = all_ranks()
        with telling(self.devices):  # of a port that is not free, for example
            url = ""
            if ranks.rank == 0:
                opened = self._open_view(subject, port, open, height)
                opened._feed.share, url = first_of(ranks), opened.url
            url = ranks.each(url)[0]
        if ranks.rank and (self._view is None or self._view.url != url):
            self._view = FollowedView(subject, url)
            self._view._feed.share = first_of(ranks)
        assert self._view is not None
        return self._view

    def _shown_by(self) -> Feed | None:
        """Return where a run tells what it does, the same in all processes, or None."""
        if not over_processes(self.devices) or self._view is None:
            return self._feed
        # All have called view(); whether the page is still there, rank 0 knows.
        shown = all_ranks().each(self._feed is not None)[0]
        return self._view._feed if shown else None
