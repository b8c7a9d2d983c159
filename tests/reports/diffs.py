"""Two diffs that every format has to cope with: one of every kind of row, one in which every name is hostile."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from mbe_docs.errors import Location
from mbe_docs.registry.diff import Diff
from mbe_docs.registry.gate import Gate, judge
from tests.gate.diffs import DAY, diff, exempt, flip, part, row

GOLDEN = Path(__file__).with_name("golden")

HOSTILE = (
    "@octocat",
    "fixes #1",
    "![x](http://evil.example/x.png)",
    "</details>",
    "<!-- -->",
    "<img src=x onerror=alert(1)>",
    "[see](javascript:alert(1))",
    "- [x] done",
    "/merge",
    "`ticks` | pipe || **bold**",
    "line one\nline two",
    "\r\nContent-Length: 0",
    "::error::boo",
    "\n::set-output name=x::y",
    "##[error]boo",
    "%0A::warning::boo",
    "]]>",
    "<failure/>",
    "&lt;b&gt;",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "\u202eevil\u2066",
    "\ufffe\x00\x0b",
    "\ud800",
    "{0} {{1}}",
    "$(touch /tmp/x) ${{ secrets.TOKEN }}",
    "cde6e13773760fd0baf41208763e50a75a59c9b5",
    "https://evil.example/",
    'quote" onmouseover="x',
)
"""Texts that do something somewhere: GitHub, a terminal, XML, SARIF viewers, a shell."""


def varied() -> Diff:
    """One row of each kind, one accepted finding, one expired exception and one that nothing needs."""
    titles = {
        "adds": "Adds two numbers",
        "calm": "Answers calmly",
        "json": "Writes JSON",
        "long": "Goes on and on",
        "odd": "Does the odd thing",
        "polite": "Says thank you",
        "short": "Is brief",
        "slow": "Takes its time",
    }
    rows = (
        row(
            behavior="adds",
            n_flaky=4,
            flaky_samples=("sum-01", "sum-07", "sum-12", "sum-31"),
            n_worse=9,
            n_better=1,
            flipped_samples=(flip("sum-01", 1.0, 0.0), flip("sum-08", 0.8, 0.2), flip("sum-31", 0.0, 0.4)),
        ),
        row(behavior="json", slices=(part("easy", "unchanged", 0.0), part("hard", "regressed", -0.2))),
        row("decreased", behavior="long", direction="neither", unit="tokens"),
        row(
            "inconclusive",
            behavior="short",
            n_needed=640,
            tokens_to_decide=123_456,
            cost_usd_to_decide=1.234,
            is_noninferior=False,
        ),
        row("inconclusive", behavior="slow", notes=("undecided: depends on errors",)),
        row("improved", behavior="polite"),
        row(
            "unchanged",
            behavior="calm",
            hidden_flip=True,
            slices=(part("easy", "improved", 0.2), part("hard", "regressed", -0.2)),
        ),
        row("refused", behavior="odd", new_rate=None),
    )
    accepted = (
        exempt(2, behavior="json"),
        exempt(8, expires=DAY - datetime.timedelta(days=1)),
        exempt(14, behavior="polite"),
    )
    made = diff(
        *rows,
        titles=titles,
        places={name: Location(f"behaviors/{name}.md", 6, 1) for name in titles},
        notes=("measured and not blessed: other",),
    )
    return judge(made, Gate("regressed"), accepted)


def hostile(*, times: int = 1, texts: tuple[str, ...] = HOSTILE) -> Diff:
    """Every text in every place that a log or a note fills."""
    rows, titles, places, accepted = [], {}, {}, []
    for number, text in enumerate(texts * times):
        name = f"{text}{number}"
        titles[name] = text
        places[name] = Location(f"behaviors/{text}.md", 3, 1)
        verdict = ("regressed", "inconclusive", "refused", "unchanged")[number % 4]
        rows.append(
            row(
                verdict,
                behavior=name,
                n_needed=640,
                notes=(text,),
                refused_because=(f"{text} was not measured",) if verdict == "refused" else (),
                slices=(part(text, "regressed", -0.2, key=text), part("b", "improved", 0.2, key=text)),
                hidden_flip=True,
                n_flaky=1,
                flaky_samples=(text,),
                n_worse=1,
                flipped_samples=(flip(text, 1.0, 0.0),),
            )
        )
        reason = text.encode("utf-8", "replace").decode()[:500]  # YAML has no lone surrogates
        accepted.append(exempt(number + 1, behavior=name, reason=reason, new="new"))
    first = texts[0]
    made = diff(
        *rows,
        titles=titles,
        places=places,
        old=f"old {' '.join(texts)}",
        new="new",
        old_title="".join(texts),
        new_title=first,
        notes=texts,
    )
    return judge(made, Gate("inconclusive"), accepted)


def check_golden(name: str, text: str) -> None:
    """Compare with the kept output; `MBE_UPDATE_GOLDEN=1` writes it, to be read in the diff."""
    path = GOLDEN / name
    if os.environ.get("MBE_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text
