"""The files of the page."""

from importlib.resources import files

SCRIPTS = ("store.js", "axes.js", "raster.js", "charts.js", "panels.js", "link.js", "app.js")
TYPES = {
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}  # fmt: skip
# Where scripts go in the page, and what asks for its style.
MARK, STYLE = "<!-- scripts -->\n", '<link rel="stylesheet" href="page.css">'
# By the last part of their address; the page itself has none.
ASSETS = {"": "page.html", **{name: name for name in ("page.css", *SCRIPTS)}}


def read(name: str) -> str:
    """Return the text of one of the files."""
    return (files("spikecuda.view") / "page" / name).read_text(encoding="utf-8")


def asset(name: str) -> tuple[bytes, str]:
    """Return the content and the type of a file, by the last part of its address."""
    file, content = ASSETS[name], read(ASSETS[name])
    if not name:
        tags = "".join(f'<script src="{script}" defer></script>\n' for script in SCRIPTS)
        content = content.replace(MARK, tags)
    return content.encode(), TYPES[file.rpartition(".")[2]]
