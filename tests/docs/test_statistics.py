"""The page on statistics: its charts are those of the code, its table that of the benchmark."""

from __future__ import annotations

import importlib.util
import re
import sys

import defusedxml.ElementTree
import pytest

from tests.docs import console

DOCS = console.ROOT / "docs"
PAGE = (DOCS / "explanation" / "statistics.md").read_text(encoding="utf-8")
IMAGES = sorted((DOCS / "images").glob("statistics-*.svg"))


def module(path):
    """A script as a module, under a name that hides no other."""
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


def rows(table):
    """Cells of each row below the head."""
    lines = [line for line in table.splitlines() if re.match(r"\| [A-Z]", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_charts_are_what_the_code_draws():
    """If not: `python docs/charts.py`."""
    drawn = dict(module(DOCS / "charts.py").charts())

    assert {
        path.stem.removeprefix("statistics-"): path.read_text(encoding="utf-8") for path in IMAGES
    } == drawn


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.stem)
def test_a_chart_is_small_and_says_what_it_shows(path):
    """Well-formed, a title, a sentence for who cannot see it, and nothing that acts or loads."""
    text = path.read_text(encoding="utf-8")
    root = defusedxml.ElementTree.fromstring(text)

    assert len(text) < 6000
    assert root.get("role") == "img"
    assert len(root.get("aria-label")) > 40
    assert root.find("{http://www.w3.org/2000/svg}title").text
    assert not re.search(r"<script|on\w+=|href|url\(|@import", text)


def test_every_chart_is_on_the_page_with_words_for_who_cannot_see_it():
    """One for each idea, none left over."""
    shown = re.findall(r"!\[([^\]]{30,})\]\(\.\./images/(statistics-[a-z]+\.svg)\)", PAGE)

    assert sorted(name for _, name in shown) == [path.name for path in IMAGES]


def test_the_page_publishes_every_row_and_all_are_met():
    """A to J as the design has them; a limit has no bar."""
    table = PAGE.partition("<!-- table -->\n")[2].partition("<!-- /table -->")[0]
    found = {cells[0]: cells[4] for cells in rows(table)}

    assert {letter: met for letter, met in found.items() if len(letter) == 1} == dict.fromkeys(
        "ABCDEFGHIJ", "yes"
    )


@pytest.mark.slow
def test_the_quick_benchmark_meets_every_bar(capsys):
    """Ten CPU seconds: a seventh of the cells, exit 0, the rows of the page."""
    benchmark = module(console.ROOT / "benchmarks" / "statistics.py")

    code = benchmark.main(["--quick"])

    found = {cells[0]: cells[4] for cells in rows(capsys.readouterr().out)}
    assert code == 0
    assert set(found) == {"A", "B", "C", "D", "E", "E′", "F", "G", "H", "I", "I′", "J"}
    assert "**no**" not in found.values()


def test_a_missed_bar_is_said_and_is_no_success(monkeypatch, capsys, tmp_path):
    """The row says no, the exit code is 1, and the page gets what was printed."""
    benchmark = module(console.ROOT / "benchmarks" / "statistics.py")
    missed = benchmark.Row("B", "a check", "≥ .94", "0.5", "–", False)
    monkeypatch.setattr(benchmark, "ROWS", (lambda effort: iter([missed]),))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table -->\nold\n<!-- /table -->\nafter\n", encoding="utf-8")

    code = benchmark.main(["--golden", str(tmp_path / "none.json"), "--write", str(page)])

    assert code == 1
    assert "| B | a check | ≥ .94 | 0.5 | **no** | – |" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- table -->\n| # | check |")
    assert "| A | expected values of R, scipy and statsmodels | all | not run: " in text
    assert text.endswith("| **no** | – |\n<!-- /table -->\nafter\n")
