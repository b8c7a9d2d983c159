"""Draw the charts of docs/explanation/statistics.md: `python docs/charts.py`, or `--check` to only compare.

One chart for each idea, from numbers that `mbe_docs.stats` computes here; nothing is drawn by hand. Each is a
small SVG that follows the reader's light or dark scheme.
"""

# A script whose functions are named after what they draw.
# ruff: noqa: D103, T201

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from mbe_docs import stats

FOLDER = Path(__file__).with_name("images")
LEFT, RIGHT, TOP, STEP = 250, 620, 34, 34
"""Where the plot begins and ends from left to right, its first row, and the height of a row."""
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.q{fill:#666}.axis{stroke:#bbb}"
    ".ours{stroke:#2457c5;fill:#2457c5}.theirs{stroke:#9a5b00;fill:#9a5b00}"
    ".zero{stroke:#666;stroke-dasharray:3 3}"
    ".band{fill:#8884;stroke:none}.thin{fill:none;stroke-width:2}.bar{stroke:none}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.q{fill:#aaa}.axis{stroke:#555}"
    ".ours{stroke:#8fb0ff;fill:#8fb0ff}.theirs{stroke:#f0b45a;fill:#f0b45a}.zero{stroke:#aaa}}"
)


@dataclass(frozen=True)
class Row:
    """One line of a chart: a name, an interval or a bar, and what is said of it."""

    name: str
    low: float
    value: float
    high: float
    said: str = ""
    ours: bool = True


def main() -> int:
    is_check = sys.argv[1:] == ["--check"]
    stale = []
    for name, drawn in charts():
        path = FOLDER / f"statistics-{name}.svg"
        if not path.is_file() or path.read_text(encoding="utf-8") != drawn:
            stale.append(path.name)
            if not is_check:
                path.write_text(drawn, encoding="utf-8", newline="\n")
    if stale:
        print(f"{'differs' if is_check else 'wrote'}: {', '.join(stale)}")
    return int(is_check and bool(stale))


def charts() -> Iterator[tuple[str, str]]:
    yield "unit", unit()
    yield "interval", interval()
    yield "flake", flake()
    yield "paired", paired()
    yield "verdicts", verdicts()
    yield "page", page()
    yield "errors", errors()
    yield "drift", drift()


def unit() -> str:
    """Fifty prompts, ten attempts each; a model that mostly always or never passes a prompt."""
    passes = np.r_[np.full(36, 10.0), np.full(4, 5.0), np.zeros(10)]
    alone = rate(np.repeat([1.0, 0.0], [int(passes.sum()), int(500 - passes.sum())]), 1)
    ours = rate(passes / 10, 10)
    rows = [
        Row("500 independent attempts", *alone, said=points(alone), ours=False),
        Row("50 prompts, ten tries each", *ours, said=points(ours)),
    ]
    return forest("The same 380 passes of 500, counted two ways", rows, (0.5, 1.0))


def interval() -> str:
    rows = []
    for n in (5, 20, 100, 300):
        found = rate(np.ones(n), 1)
        rows.append(Row(f"{n} of {n} passed", *found, said=f"at least {100 * found[0]:.0f} %"))
    return forest("What is still in play when everything passed", rows, (0.4, 1.0))


def flake() -> str:
    """One in ten prompts flips like a coin, the others never: the truth is .05 at any number of attempts."""
    tries = np.arange(2, 21)
    shortcut = 0.1 * (1 - 2 * 0.5**tries)
    return lines(
        "Share said to be flaky, by attempts at each prompt",
        [
            ("“any two attempts differed”", list(zip(tries, shortcut, strict=True)), False),
            ("two attempts differ (flake)", [(n, 0.05) for n in tries], True),
        ],
        (0.0, 0.12),
        (0, 0.05, 0.1),
    )


def paired() -> str:
    """200 prompts: 150 passed by both versions, 16 lost, 4 gained, 30 failed by both."""
    old, new = np.repeat([1, 1, 0, 0], [150, 16, 4, 30]), np.repeat([1, 0, 1, 0], [150, 16, 4, 30])
    together = stats.paired_difference(stats.pair_sums(old, new, is_single=True))
    apart = stats.unpaired_difference(stats.rate_sums(old, 1), stats.rate_sums(new, 1))
    rows = [
        Row("two averages", *ends(apart), said=points(ends(apart)), ours=False),
        Row("prompt by prompt", *ends(together), said=points(ends(together))),
    ]
    return forest("166 passes of 200 before, 154 after", rows, (-0.18, 0.1), zero=True)


def verdicts() -> str:
    """Four outcomes of 400 or 30 prompts against a margin of five points."""
    cases = (
        ("400 prompts, 6 lost, 6 gained", (194, 6, 6, 194)),
        ("400 prompts, 30 lost, 4 gained", (250, 30, 4, 116)),
        ("30 prompts, 1 lost, 1 gained", (20, 1, 1, 8)),
        ("600 prompts, 10 lost, 1 gained", (400, 10, 1, 189)),
    )
    rows = []
    for name, counts in cases:
        old, new = np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)
        found = stats.paired_difference(stats.pair_sums(old, new, is_single=True), margin=0.05)
        verdict = stats.page_verdicts(found.diff, found.p_diff, found.p_equivalent, ["higher"])
        word = {"regressed": "worse", "inconclusive": "undecided"}.get(*[verdict.verdict[0]] * 2)
        more = ", detectable" if verdict.is_detectable[0] else ""
        rows.append(Row(name, *ends(found), said=f"{word}{more}"))
    return forest("Where the interval lies decides the word", rows, (-0.18, 0.18), zero=True, band=0.05)


def page() -> str:
    """500 behaviors of 100 prompts, none changed: prompts flip by chance, as often up as down."""
    random = np.random.default_rng(20261123)
    up, down = random.binomial(100, 0.04, 500).astype(float), random.binomial(100, 0.04, 500).astype(float)
    n, flags = np.full(500, 100.0), np.full(500, True)
    sums = stats.PairSums(n, n, up - down, up + down, up - down, n, up + down, up, down, flags)
    found = stats.paired_difference(sums, margin=0.05)
    judged = stats.page_verdicts(found.diff, found.p_diff, found.p_equivalent, ["higher"] * 500)
    size = np.abs(found.diff)
    counts = (
        ("moved by more than 2 points", int((size > 0.02).sum()), False),
        ("moved by more than 5 points", int((size > 0.05).sum()), False),
        ("p ≤ .05, each by itself", int((found.p_diff <= 0.05).sum()), False),
        ("q ≤ .05, all together", sum(word in stats.CHANGES for word in judged.verdict), True),
    )
    rows = [Row(name, 0, count, count, str(count), ours) for name, count, ours in counts]
    return bars("False alarms among 500 behaviors that did not change", rows)


def errors() -> str:
    """Of 100 prompts 12 hard ones fail before, and are lost to a broken connection after."""
    rates = [
        ("before: 80 passed, 20 failed", rate(np.repeat([1.0, 0.0], [80, 20]), 1), True),
        ("after, lost ones left out", rate(np.repeat([1.0, 0.0], [80, 8]), 1), False),
        ("after, lost ones as failures", rate(np.repeat([1.0, 0.0], [80, 20]), 1), True),
    ]
    rows = [Row(name, *found, said=points(found), ours=ours) for name, found, ours in rates]
    return forest("Twelve hard prompts lost on the way: is it better?", rows, (0.6, 1.0))


def drift() -> str:
    """Twenty runs of 60 prompts, three tries each; from the thirteenth on a quarter of the passes is gone."""
    random = np.random.default_rng(3)
    easy = random.beta(3.2, 0.8, 60)
    totals = np.array([random.binomial(3, easy * (1.0 if run < 12 else 0.75)) for run in range(20)])
    found = stats.drift(totals, 3)
    assert found.alarm_run is not None
    evidence = np.maximum(found.up, found.down)
    runs = np.arange(1, 21)
    return lines(
        f"A change at run 13: alarm at run {found.alarm_run}, estimated to begin at run {found.change_run}",
        [
            ("alarm above 6", [(1, 6.0), (20, 6.0)], False),
            ("cumulated evidence", list(zip(runs, evidence, strict=True)), True),
        ],
        (0.0, max(10.0, float(evidence.max()))),
        (0, 6),
    )


def rate(means: np.ndarray, attempts: int) -> tuple[float, float, float]:
    found = stats.rate_interval(stats.rate_sums(means, attempts), binary=True)
    return float(found.low[0]), float(found.value[0]), float(found.high[0])


def ends(found: stats.Comparisons) -> tuple[float, float, float]:
    return float(found.low[0]), float(found.diff[0]), float(found.high[0])


def points(found: tuple[float, float, float]) -> str:
    low, value, high = (f"{100 * part:.0f}".replace("-", "−") for part in found)
    return f"{value} [{low}, {high}]"


def forest(
    title: str, rows: Sequence[Row], scale: tuple[float, float], *, zero: bool = False, band: float = 0.0
) -> str:
    bottom = TOP + STEP * len(rows)
    parts = []
    if band:
        low, high = x(-band, scale), x(band, scale)
        parts.append(
            f'<rect class="band" x="{low}" y="{TOP}" width="{high - low:g}" height="{bottom - TOP}"/>'
        )
    if zero:
        parts.append(f'<path class="zero" d="M{x(0, scale)} {TOP}V{bottom}"/>')
    for number, row in enumerate(rows):
        y = TOP + STEP * number + STEP // 2
        side = "ours" if row.ours else "theirs"
        parts.append(f'<text x="0" y="{y + 4}">{escape(row.name)}</text>')
        parts.append(
            f'<path class="{side} thin" d="M{x(row.low, scale)} {y}H{x(row.high, scale)}"/>'
            f'<circle class="{side}" cx="{x(row.value, scale)}" cy="{y}" r="4"/>'
        )
        parts.append(f'<text x="{RIGHT + 12}" y="{y + 4}">{escape(row.said)}</text>')
    label = f"{title}: " + "; ".join(f"{row.name}: {row.said}" for row in rows)
    return svg(title, label, [*parts, *axis(scale, bottom)], bottom + 22)


def bars(title: str, rows: Sequence[Row]) -> str:
    scale = (0.0, max(row.value for row in rows))
    parts = []
    for number, row in enumerate(rows):
        y = TOP + STEP * number
        width = x(row.value, scale) - LEFT
        parts.append(f'<text x="0" y="{y + STEP // 2 + 4}">{escape(row.name)}</text>')
        parts.append(
            f'<rect class="{"ours" if row.ours else "theirs"} bar" x="{LEFT}" y="{y + 8}" width="{width:g}" '
            f'height="{STEP - 16}"/><text x="{LEFT + width + 8:g}" y="{y + STEP // 2 + 4}">{row.said}</text>'
        )
    label = f"{title}: " + "; ".join(f"{row.name}: {row.said}" for row in rows)
    return svg(title, label, parts, TOP + STEP * len(rows) + 6)


def lines(
    title: str,
    series: Sequence[tuple[str, Sequence[tuple[float, float]], bool]],
    scale: tuple[float, float],
    ticks: Sequence[float],
) -> str:
    height = 150
    across = [place for _, path, _ in series for place, _ in path]
    wide = (min(across), max(across))
    parts = [f'<path class="axis" d="M40 {TOP + height}H{RIGHT}"/>']
    for tick in ticks:
        y = high(tick, scale, height)
        parts.append(f'<text class="q" x="34" y="{y + 4:g}" text-anchor="end">{tick:g}</text>')
    for place in wide:
        along = 40 + (place - wide[0]) / (wide[1] - wide[0]) * (RIGHT - 60)
        parts.append(
            f'<text class="q" x="{along:g}" y="{TOP + height + 18}" text-anchor="middle">{place:g}</text>'
        )
    for name, path, ours in series:
        steps = [
            (40 + (place - wide[0]) / (wide[1] - wide[0]) * (RIGHT - 60), high(value, scale, height))
            for place, value in path
        ]
        drawn = "L".join(f"{a:.1f} {b:.1f}" for a, b in steps)
        side = "ours" if ours else "theirs"
        parts.append(f'<path class="{side} thin" d="M{drawn}"/>')
        parts.append(f'<text x="{RIGHT - 8}" y="{steps[-1][1] + 4:.1f}">{escape(name)}</text>')
    said = "; ".join(f"{name}: from {path[0][1]:.2g} to {path[-1][1]:.2g}" for name, path, _ in series)
    return svg(title, f"{title}: {said}", parts, TOP + height + 28)


def x(value: float, scale: tuple[float, float]) -> float:
    return round(LEFT + (value - scale[0]) / (scale[1] - scale[0]) * (RIGHT - LEFT), 1)


def high(value: float, scale: tuple[float, float], height: int) -> float:
    return round(TOP + height - (value - scale[0]) / (scale[1] - scale[0]) * height, 1)


def axis(scale: tuple[float, float], bottom: int) -> Iterator[str]:
    yield f'<path class="axis" d="M{LEFT} {bottom}H{RIGHT}"/>'
    for part in range(3):
        value = scale[0] + (scale[1] - scale[0]) * part / 2
        sign = "+" if scale[0] < 0 < value else ""
        text = f"{sign}{100 * value:.0f}".replace("-", "−")
        yield f'<text class="q" x="{x(value, scale)}" y="{bottom + 16}" text-anchor="middle">{text}</text>'


def svg(title: str, label: str, parts: Sequence[str], height: int) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" role="img" '
        f'aria-label="{escape(label)}">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
        f'<text x="0" y="16" font-weight="600">{escape(title)}</text>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    sys.exit(main())
