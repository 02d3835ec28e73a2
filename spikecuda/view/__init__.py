"""Results in a browser.

``show`` serves a page that shows what ``run`` returned, ``write_html`` writes it to one file, and
``write_frames`` draws an animated raster as a sequence of pictures.  Runs that go on are shown by
``view()`` of networks, pools and systems.
"""

from spikecuda.view.frames import write_frames
from spikecuda.view.results import show, write_html

__all__ = ["show", "write_frames", "write_html"]
