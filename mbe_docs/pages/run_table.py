"""Tables of runs: what each is, and what sets it apart from the others of its task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mbe_docs.pages.lookup import run_id
from mbe_docs.pages.views import Link, RunRow, State
from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import Run
from mbe_docs.records.registry import RunSummary
from mbe_docs.registry import wording

SETTING_CHARS: Final = 24


def run_rows(summaries: Iterable[RunSummary]) -> tuple[RunRow, ...]:
    """The lines of an evidence table; each says what sets it apart from the others of its task."""
    listed = [(summary, _settings(summary.run)) for summary in summaries]
    names = {name for _, settings in listed for name in settings}
    seen: dict[tuple[str, str], set[str | None]] = {}
    for summary, settings in listed:
        for name in names:
            seen.setdefault((summary.run.task, name), set()).add(settings.get(name))
    return tuple(
        _run_row(
            summary,
            ", ".join(
                f"{name} {value}" for name, value in settings.items() if len(seen[summary.run.task, name]) > 1
            ),
        )
        for summary, settings in listed
    )


def _run_row(summary: RunSummary, settings: str) -> RunRow:
    run = summary.run
    excluded = sum(summary.outcomes.get(outcome, 0) for outcome in ("infra_error", "unscored"))
    return RunRow(
        link=Link(run_id(run.run_key), run.task),
        task=run.task,
        model=run.model_requested,
        status=run_state(summary),
        settings=settings,
        samples=seen_words(summary),
        excluded=excluded,
        date=run.started_at[:10] if run.started_at else None,
        source=run.source_format,
    )


def seen_words(summary: RunSummary) -> str:
    """`20 samples, 100 attempts`, or `3 of 40 samples, 3 attempts` where some are missing."""
    planned, samples = summary.run.samples_planned, wording.counted(summary.samples_seen, "sample")
    if planned and planned != summary.samples_seen:
        samples = f"{summary.samples_seen:,} of {wording.counted(planned, 'sample')}"
    return f"{samples}, {wording.counted(summary.attempts_seen, 'attempt')}"


def _settings(run: Run) -> dict[str, str]:
    """Generation parameters, task arguments and the system prompt, as far as the log states them."""
    stated = {**run.generation_params, **run.task_args}
    found = {name: _short(value) for name, value in sorted(stated.items()) if value is not None}
    if run.has_system_prompt is not None:
        found["system prompt"] = "yes" if run.has_system_prompt else "no"
    return found


def _short(value: Scalar) -> str:
    text = str(value)
    return text if len(text) <= SETTING_CHARS else f"{text[:SETTING_CHARS]}…"


def run_state(summary: RunSummary) -> State:
    """Whether a run is a result, in one word."""
    if summary.superseded_by:
        return State("superseded", "↺", "neutral")
    return {
        "success": State("complete", "✓", "good"),
        "cancelled": State("cancelled", "✗", "bad"),
        "error": State("failed", "✗", "bad"),
        "partial": State("killed half way", "✗", "bad"),
    }[summary.run.status]
