"""The page in a real browser, through its DevTools protocol."""

import functools
import http.server
import threading
import time

import chromium
import numpy as np
import pytest
from pages import network

from spikecuda.view import show, write_html

pytestmark = pytest.mark.skipif(
    chromium.find() is None,
    reason="no Chromium on this machine; apt-get install chromium lets these tests run",
)
RECEIVED = "window.spikecuda && spikecuda.store.received"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = chromium.Chromium(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture
def tab(browser):
    made = browser.tab()
    made.size(1300, 900)
    yield made
    made.go("about:blank")
    assert not made.errors


@pytest.fixture(scope="module")
def net():
    with network() as made:
        made.run(0.0)
        yield made


@pytest.fixture
def run_behind(net):
    """Run in another thread; return what waits for the result.  It is ended with the test."""
    found, threads, ends = [], [], []

    def slowly(net, piece):  # as if a person looked on
        time.sleep(0.02)
        return not ends

    def start(duration):
        threads.append(threading.Thread(
            target=lambda: found.append(net.run(duration, every=20.0, call=slowly))
        ))  # fmt: skip
        threads[-1].start()

        def result():
            threads[-1].join(60)
            return found[-1]

        return result

    yield start
    ends.append(True)
    for thread in threads:
        thread.join(60)


def test_a_run_is_shown_and_steered(net, tab, run_behind, tmp_path):
    with net.view() as view:
        tab.go(view.url)
        assert view.wait(20.0)
        tab.until("document.getElementById('controls').querySelectorAll('input').length > 20")
        result = run_behind(1e5)
        tab.until(f"{RECEIVED} > 1000")
        assert tab.until("spikecuda.speed.frames") > 3  # 50 on a quiet machine
        tab.until("document.getElementById('state').textContent === 'running'")
        # A slider is moved: the rate of the population falls.
        before = tab.until("parseFloat(document.querySelectorAll('#types td')[2].textContent)")
        tab.ask("""(() => {
            const [range] = spikecuda.panels.inputs.get('drive/0/rate');
            range.value = 0;
            range.dispatchEvent(new Event('input')); range.dispatchEvent(new Event('change'));
        })()""")
        tab.until(f"""spikecuda.store.rate(0, spikecuda.store.bin1 - 40, spikecuda.store.bin1)
            < {0.3 * before}""")
        assert view.changes[0][1:] == ("E Poisson rate", 0.0) and net.drives[0].rate == 0.0
        tab.ask("spikecuda.panels.inputs.get('drive/0/rate')[1].value = 9000")
        tab.ask("spikecuda.panels.inputs.get('drive/0/rate')[1].dispatchEvent(new Event('change'))")
        tab.until(f"""spikecuda.store.rate(0, spikecuda.store.bin1 - 40, spikecuda.store.bin1)
            > {0.5 * before}""")
        # A neuron is clicked: its membrane is traced.
        box = tab.ask("(b => [b.x, b.y, b.width, b.height])(raster.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            tab.mouse(kind, box[0] + 400, box[1] + 60, button="left", clickCount=1)
        tab.until("spikecuda.traces.watched.length === 1 && spikecuda.store.samples.size === 1")
        tab.until("[...spikecuda.store.samples.values()][0].length > 3")
        assert tab.ask("document.getElementById('traced').hidden") is False
        # Keys: pause, earlier, longer, fewer neurons, everything.
        tab.ask("document.activeElement.blur()")
        tab.key(" ", " ")
        assert tab.until("document.getElementById('follow').textContent === 'Follow'")
        window = "[spikecuda.axes.t0, spikecuda.axes.t1, spikecuda.axes.y1 - spikecuda.axes.y0]"
        still = tab.ask(window)
        for key in ("ArrowLeft", "-", "["):
            tab.key(key, key if len(key) == 1 else "")
        t0, t1, rows = tab.ask(window)
        assert t0 < still[0] and t1 - t0 > still[1] - still[0] and rows < still[2] == 1
        tab.mouse("mouseWheel", box[0] + 400, box[1] + 60, deltaX=0, deltaY=-300)
        tab.until(f"spikecuda.axes.t1 - spikecuda.axes.t0 < {t1 - t0}")
        tab.key("0", "0")
        tab.until("spikecuda.axes.follow")
        # What it shows, in words and in colours.
        tab.until("/Raster: [1-9]/.test(raster.getAttribute('aria-label'))")
        assert "E" in tab.ask("document.getElementById('rates').getAttribute('aria-label')")
        tab.picture(tmp_path / "a.png")
        import matplotlib.image

        picture = matplotlib.image.imread(tmp_path / "a.png")
        blue = (picture[..., 2] - picture[..., 0] > 0.2).sum()
        assert picture.shape[:2] == (900, 1300) and blue > 1000
        # The run is stopped, and all that it did has arrived.
        tab.ask("document.getElementById('stop').click()")
        done = result()
        assert done.duration < 1e5
        tab.until("document.getElementById('state').textContent === 'stopped'")
        tab.until(f"spikecuda.store.received + spikecuda.store.lost === {done.num_spikes}")
        assert tab.ask("spikecuda.store.lost") == 0
        # It is loaded again, and has what was.
        tab.go(view.url)
        tab.until(f"{RECEIVED} === {done.num_spikes}")
        net.drives[0].rate = 8000.0
    tab.until("document.getElementById('state').textContent === 'the run is over'")


def test_two_pages_at_once_and_another_run(net, browser, tab):
    other = browser.tab()
    with net.view() as view:
        for each in (tab, other):
            each.size(1300, 900)
            each.go(view.url)
            each.until("document.getElementById('controls').childElementCount > 0")
        assert view.pages == 2
        net.reset()
        result = net.run(300.0)
        for each in (tab, other):
            each.call("Page.bringToFront")  # what is not seen does not draw, and is not sent more
            each.until(f"spikecuda.store.total === {result.num_spikes}")
            assert each.ask("spikecuda.store.received + spikecuda.store.lost") == result.num_spikes
        other.go("about:blank")
        end = time.monotonic() + 5
        while view.pages != 1:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert not other.errors


def test_pages_from_elsewhere_are_refused(net, browser, tmp_path):
    (tmp_path / "evil.html").write_text("<!doctype html><title>evil</title>", encoding="utf-8")
    handler = functools.partial(QuietHandler, directory=tmp_path)
    with net.view() as view, http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as evil:
        thread = threading.Thread(target=evil.serve_forever)
        thread.start()
        try:
            tab = browser.tab(f"http://127.0.0.1:{evil.server_port}/evil.html")
            tab.until("document.title === 'evil'")
            address = view.url.replace("http", "ws") + "socket"
            asked = f"new Promise(done => {{ const s = new WebSocket('{address}');"
            asked += "s.onopen = () => done('open'); s.onerror = () => done('refused'); })"
            assert tab.ask(asked) == "refused"
            assert view.refused["origin"] == 1 and view.pages == 0
            # Nor can it read the page.
            assert tab.ask(f"fetch('{view.url}').then(r => r.text(), () => 'refused')") == "refused"
            tab.go(view.url[:-3] + "x/")
            tab.until("/needs the token/.test(document.body.textContent)")
        finally:
            evil.shutdown()
            thread.join()


def test_a_notebook_shows_it_in_a_frame(net, browser, tmp_path):
    with net.view() as view:
        page = f"<!doctype html><title>notebook</title>{view._repr_html_()}"
        (tmp_path / "notebook.html").write_text(page, encoding="utf-8")
        handler = functools.partial(QuietHandler, directory=tmp_path)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as notebook:
            thread = threading.Thread(target=notebook.serve_forever)
            thread.start()
            try:
                browser.tab(f"http://localhost:{notebook.server_port}/notebook.html")
                assert view.wait(20.0) and not view.refused
            finally:
                notebook.shutdown()
                thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Say nothing."""


def test_recorded_pages(net, tab, tmp_path):
    net.reset()
    net.record("E", ["spikes", "v"], only=[1])
    net.record("E")
    net.record("I")
    result = net.run(500.0)
    path = write_html(result, tmp_path / "a.html")
    with show(result) as view:
        for url in (path.as_uri(), view.url):
            tab.go(url)
            tab.until(f"{RECEIVED} === {result.num_spikes}")
            assert tab.ask("getComputedStyle(document.getElementById('stop')).display") == "none"
            assert tab.ask("spikecuda.axes.follow") is False
            rate = tab.ask("spikecuda.store.rate(0, 10, 100)")
            assert np.isclose(rate, result.rates(50.0, 500.0)["E"], rtol=0.02)
            tab.until("spikecuda.raster.drawn === spikecuda.store.received")
            for _ in range(5):
                tab.key("+", "+")
            tab.key(" ", " ")  # plays to the end
            tab.until("spikecuda.axes.t0 > 500 && spikecuda.axes.playing")
            assert tab.ask("spikecuda.traces.watched.length") == 1


def test_phones_and_themes(net, tab, tmp_path):
    with net.view() as view:
        tab.size(360, 740, 2.0, mobile=True)
        tab.go(view.url)
        net.run(100.0)
        tab.until(f"{RECEIVED} > 0")
        assert tab.ask("document.documentElement.scrollWidth") <= 360
        sizes = tab.ask("""[...document.querySelectorAll('header button, #watching button')]
            .map(b => b.getBoundingClientRect().height)""")
        assert min(sizes) >= 36
        # Without any population there is nothing to draw, and no harm.
        boxes = "document.querySelectorAll('#types input').forEach(b => b.click())"
        tab.ask(boxes)
        tab.until("spikecuda.raster.drawn === 0")
        tab.ask(boxes)
        tab.until("spikecuda.raster.drawn > 0")
        # Everything that can be used has a name.
        assert (
            tab.ask("""[...document.querySelectorAll('button, input, select, canvas, progress')]
            .filter(e => !(e.textContent.trim() || e.getAttribute('aria-label')
                || e.labels?.length)).map(e => e.outerHTML)""")
            == []
        )
        ground = "getComputedStyle(document.body).backgroundColor"
        tab.theme("light")
        light = tab.ask(ground)
        tab.theme("dark")
        dark = tab.until(f"{ground} !== '{light}' && {ground}")
        tab.ask("document.getElementById('theme').click()")
        assert tab.ask(ground) == light != dark
        tab.ask("localStorage.clear()")
