"""The gallery: what its page counts is what its table says, and what the table names exists."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
with (ROOT / "docs" / "gallery.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
SPIKING = [row for row in ROWS if row["kind"] == "spiking"]
INSIDE = [row for row in SPIKING if not row["outside"]]
# The next things to do: what alone keeps the most examples away.
NEXT = 5


def parts(text: str) -> list[str]:
    return text.split("; ") if text else []


def cells(table: str) -> list[list[str]]:
    """Return the cells of the table that begins with this line of headings."""
    body = PAGE[PAGE.index(table) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


MISSING = cells("| missing | what it is | needed by | alone |")


def count(rows: list[dict[str, str]], when: str, verdict: str) -> int:
    return sum(row[when] == verdict for row in rows)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_each_example_is_judged_once():
    names = [(row["peer"], row["example"]) for row in ROWS]
    assert len(names) == len(set(names))
    for row in ROWS:
        assert row["kind"] in ("spiking", "non-spiking", "tooling"), row
        assert row["outside"] in ("", "compartments", "training"), row
        assert {row["before"], row["now"]} <= {"yes", "partly", "no"}, row
        assert bool(row["missing"]) == (row["now"] != "yes"), row
        assert row["shown_by"] or row["now"] == "no", row


def test_reasons_are_those_of_the_page():
    reasons = [line[0] for line in MISSING]
    assert len(reasons) == len(set(reasons))
    used = {reason for row in ROWS for reason in parts(row["missing"])}
    assert used == set(reasons)


@pytest.mark.parametrize("named", sorted({p for row in ROWS for p in parts(row["shown_by"])}))
def test_what_is_named_exists(named):
    path, _, anchor = named.partition("#")
    assert (ROOT / path).is_file()
    assert not anchor or anchor in anchors(ROOT / path)


def test_counts_by_peer():
    table = cells("| peer | examples | before | now | partly now | inside | before | now |")
    peers = list(dict.fromkeys(row["peer"] for row in SPIKING))
    expected = []
    for peer in [*peers, "all"]:
        spiking, inside = (
            [row for row in rows if peer in (row["peer"], "all")] for rows in (SPIKING, INSIDE)
        )
        found = [len(spiking), count(spiking, "before", "yes"), count(spiking, "now", "yes")]
        found += [count(spiking, "now", "partly"), len(inside)]
        found += [count(inside, "before", "yes"), count(inside, "now", "yes")]
        expected.append([peer, *map(str, found)])
    assert table == expected


def test_what_is_missing_is_counted():
    needed, alone = Counter(), Counter()
    for row in INSIDE:
        reasons = parts(row["missing"])
        needed.update(reasons)
        alone.update(reasons if len(reasons) == 1 else [])
    assert [[line[0], *line[2:]] for line in MISSING] == [
        [reason, str(needed[reason]), str(alone[reason])] for reason, *_ in MISSING
    ]
    order = [(-alone[line[0]], -needed[line[0]], line[0].lower()) for line in MISSING]
    assert order == sorted(order)


def test_numbers_of_the_text():
    text = " ".join(PAGE.split())
    yes, inside = count(SPIKING, "now", "yes"), count(INSIDE, "now", "yes")
    first = {line[0] for line in MISSING[:NEXT]}
    more = sum(bool(row["missing"]) and set(parts(row["missing"])) <= first for row in INSIDE)
    outside = Counter(row["outside"] for row in SPIKING)
    for sentence in (
        f"{len(ROWS)} published examples",
        f"{len(SPIKING)} of them have spikes",
        f"{yes} of {len(SPIKING)} ({100 * yes / len(SPIKING):.0f} %)",
        f"{inside} of {len(INSIDE)} ({100 * inside / len(INSIDE):.0f} %)",
        f"{outside['compartments']} need compartments and {outside['training']} training or",
        f"{more} more examples, {inside + more} of {len(INSIDE)} "
        f"({100 * (inside + more) / len(INSIDE):.0f} %)",
        f"{yes + more} of {len(SPIKING)} ({100 * (yes + more) / len(SPIKING):.0f} %)",
    ):
        assert sentence in text, sentence
    named = re.findall(r"\*\*([^*]+)\*\*", text[text.index("What unlocks most") :])
    assert named == [line[0] for line in MISSING[:NEXT]]


def test_what_stands_lower_is_said():
    order = ["no", "partly", "yes"]
    lower = [r for r in SPIKING if order.index(r["now"]) < order.index(r["before"])]
    assert len(lower) == 4 and "Four examples with spikes stand lower" in PAGE
