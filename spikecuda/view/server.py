"""The server of a view: one page and its WebSocket, on the loopback address, in a thread."""

import asyncio
import contextlib
import hmac
import ipaddress
import logging
import re
import secrets
import threading
import time
from collections import deque
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from spikecuda.common.packages import need
from spikecuda.errors import SpikecudaError
from spikecuda.view.assets import ASSETS, asset
from spikecuda.view.blocks import KEPT, Backlog, History
from spikecuda.view.protocol import LONGEST, MessageError, frame, read_message, text

ADDRESS = "127.0.0.1"
# Pages at once, and connections that are open at once, those that ask for files included.
MOST_PAGES, MOST_CONNECTIONS = 8, 64
# Seconds between two looks at what arrived, while pages look on and without any.
TICK, SLOW_TICK = 1 / 30, 0.2
# Frames on their way to a page that it has not drawn yet.
ON_THE_WAY = 2
# Seconds that a page has to take what is left when the view is closed, and the server to start.
LAST_SECONDS, START_SECONDS = 2.0, 10.0
# Seconds for a request, between two signs of life of a page, and for its answer.
OPENING, ALIVE = 5.0, 20.0
# Seconds between two messages on speed, devices and memory.
STATUS = 0.5

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'"
)


class Page:
    """A page that looks on.

    Args:
        socket: to it.
        lossless: whether it gets everything, however long it takes.
    """

    def __init__(self, socket: Any, lossless: bool) -> None:
        self.socket = socket
        self.backlog = Backlog(lossless)
        self.sent: deque[float] = deque()
        self.texts: dict[str, str] = {}
        self.weights = False
        self._notes = 0

    def say(self, kind: str, values: dict[str, Any]) -> None:
        """Tell it something; of several of a kind, the last one is sent, and all notes."""
        if kind == "note":
            self._notes = (self._notes + 1) % 20
        self.texts[f"note {self._notes}" if kind == "note" else kind] = text(kind, **values)

    async def send(self) -> None:
        """Send what waits, as fast as the page draws, until it is gone."""
        while True:
            while self.texts:
                await self.socket.send(self.texts.pop(next(iter(self.texts))))
            while len(self.sent) < ON_THE_WAY and (block := self.backlog.take()) is not None:
                self.sent.append(time.perf_counter())
                await self.socket.send(frame(block, self.backlog.lost))
            await asyncio.sleep(TICK)

    @property
    def idle(self) -> bool:
        """Whether it has drawn everything."""
        return not (self.texts or len(self.backlog) or self.sent)


class Server:
    """Serves a view's page until it is closed.

    Args:
        source: what it shows: has ``take``, ``hear`` and ``status``, see ``Live`` and ``Recorded``.
        port: of the loopback address; 0: a free one.

    Attributes:
        port: the port; ``token``: what the address has to name.
        refused: requests that were refused, by why.
    """

    def __init__(self, source: Any, port: int) -> None:
        need("websockets", "view", "the view in a browser")
        self.token = secrets.token_urlsafe(24)
        self.port = port
        self.refused: dict[str, int] = {}
        self.pages: list[Page] = []
        self._source = source
        self._history = History(None if source.lossless else KEPT)
        self._news: dict[str, dict[str, Any]] = {}
        self._stop = threading.Event()
        self._page = threading.Event()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="spikecuda-page", daemon=True)
        self._thread.start()
        self._started.wait(START_SECONDS)
        if self._failure is not None:
            self._thread.join()
            raise SpikecudaError(
                f"port must be one that is free on {ADDRESS} (got {port}: {self._failure}); "
                "use port=0, which takes a free one"
            )

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.port}/{self.token}/"

    @property
    def closed(self) -> bool:
        """Whether it serves no more."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait for a page; return whether one looks on."""
        return self._page.wait(seconds)

    def stop(self) -> None:
        """End soon, and do not wait for that."""
        self._stop.set()

    def close(self) -> None:
        """Let pages have what is left, and end."""
        self.stop()
        self._thread.join(LAST_SECONDS + 5.0)

    # In the thread.

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        from websockets.asyncio.server import ServerConnection, serve

        opened: set[Any] = set()

        class Door(ServerConnection):
            """A connection, which is ended at once if there are too many."""

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                opened.add(self)
                if len(opened) > MOST_CONNECTIONS:
                    transport.abort()

            def connection_lost(self, exc: Exception | None) -> None:
                opened.discard(self)
                super().connection_lost(exc)

        quiet = logging.getLogger("spikecuda.view.server")
        quiet.setLevel(logging.CRITICAL + 1)
        async with serve(
            self._talk, ADDRESS, self.port, process_request=self._answer, compression=None,
            max_size=LONGEST, max_queue=4, open_timeout=OPENING, ping_interval=ALIVE,
            ping_timeout=ALIVE, close_timeout=1.0, server_header=None, logger=quiet,
            create_connection=Door,
        ) as server:  # fmt: skip
            self.port = server.sockets[0].getsockname()[1]
            self._started.set()
            told = 0.0
            while not self._stop.is_set():
                if self.pages and time.perf_counter() - told > STATUS:
                    told = time.perf_counter()
                    self._say_all("status", self._status())
                self._distribute()
                await asyncio.sleep(TICK if self.pages else SLOW_TICK)
            self._distribute()
            self._say_all("status", {**self._status(), "state": "closed"})
            end = time.perf_counter() + LAST_SECONDS
            while time.perf_counter() < end and not all(page.idle for page in self.pages):
                await asyncio.sleep(TICK)

    def _status(self) -> dict[str, Any]:
        """Return speed, devices and memory; nothing, if what runs is being closed."""
        try:
            return dict(self._source.status())
        except Exception:
            return {"state": "idle"}

    def _distribute(self) -> None:
        """Give all pages what arrived."""
        blocks, skipped, news, notes = self._source.take()
        for block in blocks:
            self._history.add(block)
        for page in self.pages:
            page.backlog.lost += skipped
            for block in blocks:
                page.backlog.add(block)
        for kind, values in news.items():
            self._news[kind] = values
            self._say_all(kind, values)
        for words in notes:
            self._say_all("note", {"text": words})

    def _say_all(self, kind: str, values: dict[str, Any]) -> None:
        for page in self.pages:
            page.say(kind, values)

    async def _talk(self, socket: Any) -> None:
        """Serve a page until it goes."""
        self._distribute()
        page = Page(socket, self._source.lossless)
        for kind, values in self._news.items():
            page.say(kind, values)
        for block in self._history:
            page.backlog.add(block)
        self.pages.append(page)
        self._count()
        sender = asyncio.create_task(page.send())
        try:
            async for data in socket:
                self._hear(page, data)
        except MessageError as error:
            self._refuse("message")
            await socket.close(1008, str(error))
        except Exception:
            pass  # it is gone, or sent what is no WebSocket
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await sender
            self.pages.remove(page)
            self._count()

    def _hear(self, page: Page, data: Any) -> None:
        message = read_message(data)
        if message.kind == "ack":
            if not page.sent:
                raise MessageError("there is no frame to acknowledge")
            page.backlog.pace(time.perf_counter() - page.sent.popleft())
        elif message.kind == "weights":
            page.weights = message.values["shown"]
            self._count()
        else:
            self._source.hear(message)

    def _count(self) -> None:
        """Tell what is shown how many look on, and whether any shows weights."""
        self._source.count(len(self.pages), any(page.weights for page in self.pages))
        (self._page.set if self.pages else self._page.clear)()

    def _refuse(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1

    def _answer(self, connection: Any, request: Any) -> Any:
        """Answer a request for a file, refuse it, or let it become a WebSocket (None)."""
        headers = request.headers

        def only(name: str) -> str | None:
            found = headers.get_all(name)
            return found[0] if len(found) == 1 else None

        host = only("Host")
        if host is None or not _is_loopback(host):
            self._refuse("host")
            return self._reply(connection, HTTPStatus.FORBIDDEN, "the name of the host is another")
        token, _, name = request.path.partition("?")[0].lstrip("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            self._refuse("token")
            return self._reply(
                connection, HTTPStatus.FORBIDDEN, "the address needs the token that was printed"
            )
        origins = headers.get_all("Origin")
        if origins and origins != [f"http://{host}"]:
            self._refuse("origin")
            return self._reply(connection, HTTPStatus.FORBIDDEN, "the origin is another")
        if name == "socket":
            if len(self.pages) >= MOST_PAGES:
                self._refuse("pages")
                return self._reply(
                    connection, HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_PAGES} pages look on"
                )
            return None
        if name not in ASSETS:
            return self._reply(connection, HTTPStatus.NOT_FOUND, "there is no such file")
        content, kind = asset(name)
        return self._reply(connection, HTTPStatus.OK, content, kind, host)

    def _reply(
        self,
        connection: Any,
        status: HTTPStatus,
        content: str | bytes,
        kind: str = "text/plain; charset=utf-8",
        host: str = ADDRESS,
    ) -> Any:
        response = connection.respond(status, "")
        response.body = content.encode() if isinstance(content, str) else content
        for header in ("Content-Length", "Content-Type"):
            del response.headers[header]
        response.headers.update({
            "Content-Length": str(len(response.body)), "Content-Type": kind,
            "Content-Security-Policy": POLICY.format(host=host), "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        })  # fmt: skip
        return response


def _is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine, on any port: a tunnel has another one."""
    if re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?", host) is None:
        return False  # such as user@host: it goes into the page's rules for content
    try:
        name = urlsplit(f"http://{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
