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
WITH_PYTHON = [p for p in PAGES if "```python" in p.read_text()]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda p: p.name)
def test_the_examples_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "__example__"}
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.S)
    assert blocks
    for number, block in enumerate(blocks):
        # Models need the source of their functions: show it where inspect looks.
        file = f"<{page.name} block {number}>"
        linecache.cache[file] = (len(block), None, block.splitlines(True), file)
        exec(compile(block, file, "exec"), space)


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
