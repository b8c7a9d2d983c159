"""How to read these numbers: the one page every number links to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mbe_docs.pages import numbers
from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.numbers import Number
from mbe_docs.pages.views import State
from mbe_docs.records.estimates import Interval
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording


@dataclass(frozen=True, slots=True)
class ReadingView:
    """Everything the page shows: one worked number, the verdicts, the statuses."""

    example: Number
    verdicts: tuple[tuple[State, str], ...]
    statuses: tuple[tuple[State, str], ...]
    severities: tuple[tuple[str, str], ...]


_VERDICTS = {
    "regressed": "A change for the worse is shown, after correcting for everything else tested on the page.",
    "improved": "A change for the better is shown, likewise.",
    "unchanged": "No change that matters: the whole interval of the difference lies inside the margin.",
    "inconclusive": "The evidence is too thin for either. The page says how many samples would settle it.",
    "refused": "Something besides the model differs (scorer, solver, settings), or one side is missing.",
}
_STATUSES = {
    "affected": "The whole interval satisfies the quirk's rule.",
    "not_affected": "No part of the interval satisfies it.",
    "fixed": "Not affected, while an earlier snapshot of the lineage was.",
    "flaky": "Single samples flip between attempts so often that one attempt proves nothing.",
    "unknown": "Not measured here, or the interval straddles the rule. No note does not mean no quirk.",
}


class _Reading:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """The one page."""
        del context
        yield PageFile(
            id="reading",
            path="reading.md",
            template="reading.md.j2",
            view=ReadingView(
                example=numbers.rate_number(
                    # 112 of 120 prompts, one attempt each: Clopper–Pearson, as scipy.stats.beta gives it
                    Interval(value=0.9333, low=0.8729, high=0.9708),
                    "proportion",
                    n_samples=120,
                    n_attempts=120,
                    mark=0.9,
                ),
                verdicts=tuple((_verdict(name), text) for name, text in _VERDICTS.items()),
                statuses=tuple(
                    (
                        State(
                            wording.STATUS_WORD[name], wording.STATUS_SHAPE[name], wording.STATUS_TONE[name]
                        ),
                        text,
                    )
                    for name, text in _STATUSES.items()
                ),
                severities=tuple((entry.id, entry.rule) for entry in registry.taxonomy.severities),
            ),
            title="How to read these numbers",
            nav=(),
        )


PAGE = _Reading()


def _verdict(name: str) -> State:
    word = next(word for verdict, word in wording.VERDICT_WORD.items() if verdict == name)
    shape = next(shape for verdict, shape in wording.VERDICT_SHAPE.items() if verdict == name)
    tone = next(tone for verdict, tone in wording.VERDICT_TONE.items() if verdict == name)
    return State(word, shape, tone)
