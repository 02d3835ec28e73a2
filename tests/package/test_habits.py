"""The files of the project that people and tools rely on agree with each other."""

import re
import tomllib
from pathlib import Path

import pytest

import spikecuda

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
TASKS = ("quick", "lint", "types", "test", "docs", "bench")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_citation_has_this_version():
    assert f"\nversion: {spikecuda.__version__}\n" in read("CITATION.cff")


def test_changes_are_grouped_and_one_line_each():
    text = read("CHANGELOG.md").split("## Unreleased", 1)[1]
    heads = re.findall(r"^### (.+)$", text, re.M)
    assert heads == ["Added", "Faster", "Changed", "Fixed"]
    for line in text.split("\n### ", 1)[1].splitlines()[1:]:
        # A heading, the name of an area, or an entry.
        assert not line or line.startswith("### ") or re.fullmatch(r"[A-Z][a-z ]+|- .+", line), line


def test_the_tasks_are_there_and_described():
    noxfile, guide = read("noxfile.py"), read("CONTRIBUTING.md")
    for task in TASKS:
        assert re.search(rf"@nox\.session\ndef {task}\(", noxfile), task
        assert f"| `nox -s {task}` |" in guide
    assert len(guide.splitlines()) < 80
    quick = re.search(r'QUICK = """\n(.+?)"""', noxfile, re.S)
    assert quick and all((ROOT / path).exists() for path in quick[1].split())


def test_ci_runs_what_the_readme_says():
    assert "<!-- the test command -->" in read(".ci/run")
    command = re.search(r"<!-- the test command -->\n```bash\n(.+)\n", read("README.md"))
    assert command and command[1].endswith("nox -s lint types test")
    hooks = re.findall(r"entry: .venv/bin/nox -s (\w+)", read(".pre-commit-config.yaml"))
    assert hooks == ["lint", "types"]


def test_the_tools_of_the_tasks_are_declared():
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    for tool in ("nox", "ruff", "mypy", "pre-commit"):
        assert any(re.match(rf"{tool}[=><]", entry) for entry in extras["dev"]), tool


def test_decisions_have_numbers_of_their_own():
    assert [int(path.stem[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda p: p.stem)
def test_a_decision_has_its_parts(path):
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {int(path.stem[:4])}\. \S", text)
    assert re.search(r"^- Status: (accepted|replaced by)", text, re.M)
    assert re.search(r"^- Date: \d{4}-\d\d-\d\d", text, re.M)
    assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Consequences"]
