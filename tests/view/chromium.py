"""Chromium without a screen, driven through its DevTools protocol."""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip


def find() -> str | None:
    """Return the program; None: there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """A page in the browser."""

    def __init__(self, address: str) -> None:
        self._open = contextlib.ExitStack()
        self._socket = self._open.enter_context(connect(address, max_size=None, proxy=None))
        self._number = 0
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **values):
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": values}))
        while True:
            found = json.loads(self._socket.recv(timeout=30))
            if found.get("method") == "Runtime.exceptionThrown":
                self.errors.append(str(found["params"]["exceptionDetails"]))
            if found.get("method") == "Log.entryAdded":
                entry = found["params"]["entry"]
                if entry["level"] == "error":
                    self.errors.append(entry["text"])
            if found.get("id") == self._number:
                assert "error" not in found, found
                return found["result"]

    def go(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def ask(self, script: str):
        """Return the value of an expression."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, script: str, seconds: float = 30.0):
        """Wait until an expression is true, and return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.ask(f"(() => {{ try {{ return {script} }} catch {{ return 0 }} }})()"):
                return value
            time.sleep(0.05)
        raise AssertionError(f"{script} did not become true; errors: {self.errors}")

    def size(self, width: int, height: int, scale: float = 1.0, mobile: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=scale, mobile=mobile,
        )  # fmt: skip

    def theme(self, name: str) -> None:
        self.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}]
        )

    def key(self, key: str, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text)

    def mouse(self, kind: str, x: float, y: float, **more) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def picture(self, path: Path) -> None:
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self._open.close()


class Chromium:
    """A browser with an empty profile in a folder."""

    def __init__(self, folder: Path) -> None:
        program = find()
        assert program is not None
        self.tabs: list[Tab] = []
        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        told, end = folder / "DevToolsActivePort", time.monotonic() + 60
        while not (told.exists() and told.read_text().strip()):
            assert self._process.poll() is None and time.monotonic() < end, "Chromium did not start"
            time.sleep(0.05)
        self._port = int(told.read_text().split()[0])

    def tab(self, url: str = "about:blank") -> Tab:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            tab = Tab(json.load(answer)["webSocketDebuggerUrl"])
        self.tabs.append(tab)
        if url != "about:blank":
            tab.go(url)
        return tab

    def close(self) -> None:
        for tab in self.tabs:
            tab.close()
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
