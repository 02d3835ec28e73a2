"""Who is let in, and what happens to those who are not: the run and other pages go on."""

import base64
import contextlib
import json
import os
import socket
import time
import urllib.error
import urllib.request

import pytest
from pages import Page, network
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect

from spikecuda.view import server
from spikecuda.view.assets import ASSETS
from spikecuda.view.protocol import LONGEST


@pytest.fixture(scope="module")
def net():
    with network() as made:
        yield made


@pytest.fixture
def view(net):
    with net.view() as opened:
        yield opened


def get(url, **headers):
    """Return status, headers and body of a request."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=10
        ) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def refused(address, **options):
    """A WebSocket is not opened."""
    with pytest.raises(InvalidStatus, match="403"), connect(address, proxy=None, **options):
        pass


def works(net, view):
    """A page that is let in gets a whole run."""
    with Page(view) as page:
        before = page.received
        net.run(20.0)
        page.until(lambda: page.heads and page.heads[-1]["stop"] == round(10 * net.time))
        assert page.received > before and page.ended is None


def test_the_files_of_the_page(view):
    for name in ASSETS:
        status, headers, body = get(view.url + name)
        assert status == 200 and len(body) > 500, name
        assert (
            headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
        )
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy
        assert "unsafe" not in policy
        text = body.decode()
        assert "//cdn" not in text and "https://" not in text.replace('"https:"', ""), name
        assert "innerHTML" not in text and "eval(" not in text
    assert get(view.url + "other.js")[0] == 404 and get(view.url + "../page.css")[0] in (403, 404)
    assert get(f"{view.url}?a=1")[0] == 200


def test_without_the_token_nothing_is_shown(net, view):
    base = f"http://127.0.0.1:{view.port}/"
    token = view.url.rstrip("/").rpartition("/")[2]
    assert len(token) == 32
    wrong = ["", "x/", token[:-1] + "/", token + "x/", token.swapcase() + "/", "socket", "é/"]
    for path in wrong:
        assert get(base + urllib.request.quote(path))[0] == 403, path
        refused(f"ws://127.0.0.1:{view.port}/{path}socket")
    assert view.refused["token"] >= 2 * len(wrong) - 1 and view.pages == 0
    works(net, view)
    # The next view has another one.
    url = view.url
    view.close()
    with net.view() as other:
        assert other.url.rpartition("/")[0][-32:] != url.rpartition("/")[0][-32:]


def test_other_origins_and_hosts_are_refused(net, view):
    address = view.url.replace("http", "ws") + "socket"
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{view.port + 1}",
                   f"https://127.0.0.1:{view.port}", f"http://localhost:{view.port}"):  # fmt: skip
        refused(address, origin=origin)
    assert view.refused["origin"] == 5
    for host in (
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "",
        "[x",
        "evil.example@127.0.0.1",
        "localhost/ *;script-src *",
    ):
        assert get(view.url, Host=host)[0] in (400, 403), host
    # A tunnel has another port, or this machine's other names.
    for host in ("localhost:9000", "127.0.0.1:1", "[::1]:80"):
        assert get(view.url, Host=host)[0] == 200, host
        with Page(view, origin=f"http://127.0.0.1:{view.port}"):
            pass
    works(net, view)


def test_a_tunnel_has_another_name_and_port(net, view):
    """As with ssh -L 9000:127.0.0.1:PORT: the page's address and origin are those of the tunnel."""
    tunnel = socket.create_connection(("127.0.0.1", view.port))
    path = view.url.partition(f":{view.port}")[2]
    with connect(
        f"ws://localhost:9000{path}socket", sock=tunnel, origin="http://localhost:9000", proxy=None
    ) as socket_:
        assert json.loads(socket_.recv(timeout=10))["kind"] == "hello"
    status, headers, _ = get(view.url, Host="localhost:9000")
    assert status == 200 and "ws://localhost:9000;" in headers["Content-Security-Policy"]


def test_only_the_loopback_address_is_bound(view):
    with socket.socket() as other:
        other.settimeout(2)
        hosts = {
            info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        }
        for host in hosts - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError):
                other.connect((host, view.port))


@pytest.mark.parametrize("data", [
    "garbage", "{}", b"\x00\x01", json.dumps({"kind": "ack", "seconds": 0.1}),
    json.dumps({"kind": "set", "control": "x", "value": "1"}), "x" * LONGEST, b"x" * (1 << 22),
], ids=["text", "empty", "bytes", "ack", "set", "long", "huge"])  # fmt: skip
def test_garbage_ends_the_connection_that_sends_it(net, view, data):
    with Page(view) as good:
        bad = Page(view)
        try:
            bad.until(lambda: bad.last("controls"))
            with contextlib.suppress(ConnectionClosed, OSError):  # before all was sent
                bad.socket.send(data)
            bad.until(lambda: bad.ended is not None)
            assert bad.ended.rcvd is None or bad.ended.rcvd.code in (1008, 1009)
        finally:
            bad.close()
        assert good.ended is None
        good.until(lambda: view.pages == 1)
    works(net, view)


def test_broken_handshakes_and_frames(net, view):
    path = view.url.partition(str(view.port))[2]
    key = base64.b64encode(os.urandom(16)).decode()
    asked = (
        f"GET {path}socket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: "
        f"Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    for sent in (
        b"", b"\r\n\r\n", os.urandom(3000), b"GET / HTTP/9\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10_000, b"A" * 200_000, asked[:-2],
        asked + os.urandom(2000), asked + b"\x81\x05hello", asked + b"\xff" * 50,
        asked + b"\x81\xff" + b"\x7f" * 8 + b"abcd",
    ):  # fmt: skip
        with socket.create_connection(("127.0.0.1", view.port), timeout=10) as raw:
            try:
                raw.sendall(sent)
            except OSError:
                continue  # it has hung up
    works(net, view)


def test_floods_are_turned_away_and_pages_are_limited(net, view):
    raws = []
    try:
        for _ in range(3 * server.MOST_CONNECTIONS):
            raws.append(socket.create_connection(("127.0.0.1", view.port), timeout=10))
        # Those that are too many are ended at once; those that ask for nothing, after 5 s.
        ended, end = 0, time.monotonic() + 10
        for raw in reversed(raws[server.MOST_CONNECTIONS + 5 :]):
            raw.settimeout(max(0.1, end - time.monotonic()))
            try:
                ended += raw.recv(1) == b""
            except ConnectionError:
                ended += 1
        assert ended >= 1.9 * server.MOST_CONNECTIONS
    finally:
        for raw in raws:
            raw.close()
    pages = []
    try:
        end = time.monotonic() + 10
        while len(pages) < server.MOST_PAGES:
            try:
                pages.append(Page(view))
            except (OSError, WebSocketException, EOFError):
                assert time.monotonic() < end
                time.sleep(0.05)
        with pytest.raises(InvalidStatus, match="503"):
            Page(view)
        assert view.pages == server.MOST_PAGES
    finally:
        for page in pages:
            page.close()
    pages[-1].until(lambda: view.pages == 0)
    works(net, view)
