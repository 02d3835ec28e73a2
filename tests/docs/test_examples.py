"""Every Python example of the documentation runs as it stands, top to bottom of its page."""

import linecache
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "bench").glob("*.md")),
]
# Blocks of Python, and the cells that the site's builder runs, too.
STARTS = ("```python\n", "```{code-cell} python\n")
WITH_PYTHON = [p for p in PAGES if any(start in p.read_text() for start in STARTS)]
# Pages whose tables say in their last column how something is written here.
COMING_FROM = "coming-from-"
ROW = re.compile(r"^\|(.+)\|$", re.M)


def pieces(page: Path) -> list[str]:
    """Return the examples of a page, and what its tables say, in the page's order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for part in re.split(r"(```[^\n]*\n.*?```)", text, flags=re.S):
        if part.startswith("```"):
            found += [part.split("\n", 1)[1][:-3]] if part.startswith(STARTS) else []
        elif page.name.startswith(COMING_FROM):
            found += [code for row in ROW.findall(part) for code in here(row)]
    return found


def here(row: str) -> list[str]:
    """Return the code in the last cell of a row of a table."""
    return re.findall(r"`([^`]+)`", row.rsplit("|", 1)[-1])


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda p: p.name)
def test_the_examples_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "__example__"}
    blocks = pieces(page)
    assert blocks
    for number, block in enumerate(blocks):
        # Models need the source of their functions: show it where inspect looks.
        file = f"<{page.name} block {number}>"
        linecache.cache[file] = (len(block), None, block.splitlines(True), file)
        exec(compile(block, file, "exec"), space)


@pytest.mark.parametrize("page", [p for p in PAGES if p.name.startswith(COMING_FROM)])
def test_tables_of_others_say_something_in_every_row(page):
    rows = [row for row in ROW.findall(page.read_text(encoding="utf-8")) if "`" in row]
    assert len(rows) >= 15
    empty = [row for row in rows if not here(row)]
    assert not empty, f"{page.name} has rows that say nothing of here: {empty}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)", prose):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_has_the_two_commands():
    text = (ROOT / "README.md").read_text()
    for marker, word in (("main", "spikecuda report"), ("test", "nox -s lint types test")):
        found = re.search(rf"<!-- the {marker} command -->\n```bash\n(.+?)\n```", text)
        assert found and word in found.group(1)
