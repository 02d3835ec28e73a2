"""The prose of the documentation stays readable: short sentences in short lines, and a glossary."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "bench" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]  # fmt: skip
MOST_WORDS = 40
MOST_CHARACTERS = 120
# A full stop after one of these ends no sentence.
ABBREVIATION = re.compile(r"\b(al|e\.g|i\.e|cf|vs|figs?|approx|no)\.$", re.IGNORECASE)


def without_code(text: str) -> str:
    """Return a page without blocks of code (fenced or indented) and comments."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    return re.sub(r"(?:(?<=\n\n)|\A)(?: {4,}\S.*\n)+", "\n", text)


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a page, one for each item of a list, without tables and headings."""
    found: list[list[str]] = [[]]
    for line in without_code(text).splitlines():
        if not line.strip() or line.startswith(("|", "#", "![")):
            found.append([])
        elif re.match(r"\s*([-*]|\d+\.) ", line):
            found.append([re.sub(r"^\s*([-*]|\d+\.) ", "", line)])
        else:
            found[-1].append(line.strip())
    return [" ".join(lines) for lines in found if lines]


def sentences(paragraph: str) -> list[str]:
    """Split a paragraph into its sentences."""
    # What stands in backquotes is one word; a link counts with its text only.
    text = re.sub(r"`[^`]*`", "code", paragraph)
    text = re.sub(r"\]\([^)]*\)", "", text).replace("[", "").replace("*", "")
    found, start = [], 0
    for end in re.finditer(r"[.!?][)\"”]*(?=\s+[A-Z0-9\"“(]|\s+code|$)", text):
        if not ABBREVIATION.search(text[: end.start() + 1]):
            found.append(text[start : end.end()].strip())
            start = end.end()
    return [s for s in [*found, text[start:].strip()] if s]


def words(sentence: str) -> int:
    return len([word for word in sentence.split() if re.search(r"\w", word)])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_sentences_are_short(page):
    all_sentences = [s for p in paragraphs(page.read_text(encoding="utf-8")) for s in sentences(p)]
    long = [f"{words(s)} words: {s}" for s in all_sentences if words(s) > MOST_WORDS]
    assert not long, f"{page.name} has sentences of over {MOST_WORDS} words:\n" + "\n".join(long)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_lines_are_short(page):
    lines = without_code(page.read_text(encoding="utf-8")).splitlines()
    long = [line for line in lines if len(line) > MOST_CHARACTERS and not line.startswith("|")]
    assert not long, f"{page.name}: wrap these lines, they have over {MOST_CHARACTERS} characters"


def test_the_check_finds_what_it_is_for():
    clause = "which is a clause that goes on and on, "
    text = f"# Title\n\nShort, as said by Lim et al. (2000). A sentence, {clause * 5}and ends.\n"
    assert [words(s) for p in paragraphs(text) for s in sentences(p)] == [8, 49]
    listed = (
        "- one thing\n  that is wrapped\n- another (`a b`, [link](far/away.md))\n\n```\nx\n```\n"
    )
    assert paragraphs(listed) == [
        "one thing that is wrapped",
        "another (`a b`, [link](far/away.md))",
    ]
    assert [words(s) for s in sentences(paragraphs(listed)[1])] == [3]


def test_the_glossary_is_sorted_and_linked():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        terms = [t.lower() for t in re.findall(r"^- \*\*(.+?)\*\*", section, re.M)]
        assert terms and terms == sorted(terms), section.splitlines()[0]
    for page in ("README.md", "docs/architecture.md"):
        assert "glossary.md)" in (ROOT / page).read_text(encoding="utf-8"), page
