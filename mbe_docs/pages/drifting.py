"""The same model measured again and again: what is said of it, and its plot run by run."""

from __future__ import annotations

from dataclasses import dataclass

from mbe_docs.pages.lookup import Lookup, run_id
from mbe_docs.pages.plots import Trend, trend
from mbe_docs.pages.views import Link
from mbe_docs.records.estimates import DriftReport
from mbe_docs.registry import wording


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One behavior on one subject, measured again and again."""

    behavior: Link
    subject: Link
    sentence: str
    tone: str
    is_alarm: bool
    """Whether the runs before and after were shown to differ."""
    breaks: tuple[tuple[str, Link], ...]
    """Where another question was asked from then on: a sentence, and the first such run."""
    plot: Trend
    since: Link | None
    """The run where it began, where it changed."""


def drift_row(lookup: Lookup, report: DriftReport) -> DriftRow:
    """A series of runs as a plot and sentences."""
    behavior, title = lookup.behaviors[report.behavior], lookup.subject(report.subject).title
    runs = [point.run for point in report.points]
    is_alarm = report.verdict in ("drifted", "setup_changed")
    return DriftRow(
        behavior=lookup.behavior_link(report.behavior),
        subject=lookup.model_link(report.subject),
        sentence=_sentence(report),
        tone={"drifted": "bad", "setup_changed": "open"}.get(
            report.verdict, "neutral" if report.breaks else "good"
        ),
        is_alarm=is_alarm,
        breaks=tuple(
            (
                f"On {date_of(report, entry.run)} the setup changed ({entry.cause}): "
                "runs before and after are not held against each other.",
                Link(run_id(entry.run), "the first run under it"),
            )
            for entry in report.breaks
        ),
        plot=trend(
            [point.date for point in report.points],
            [point.rate for point in report.points],
            report.unit,
            title=f"{behavior.title} on {title}, run by run",
            caption="Run by run, oldest to newest",
            scale=behavior.measure.range,
            bar=behavior.measure.require,
            marked=runs.index(report.change_run) if is_alarm and report.change_run else None,
            breaks=[runs.index(entry.run) for entry in report.breaks],
        ),
        since=Link(run_id(report.change_run), "the run where it began")
        if report.change_run and is_alarm
        else None,
    )


def date_of(report: DriftReport, run: str | None) -> str:
    """The day of one of the runs."""
    return next(point.date for point in report.points if point.run == run)


def _sentence(report: DriftReport) -> str:
    runs = wording.counted(len(report.points), "run")
    match report.verdict:
        case "drifted":
            since = date_of(report, report.change_run)
            return f"Drifted: the answers changed at {since} without any setting changing, over {runs}."
        case "setup_changed":
            return f"Changed together with the setup ({report.cause}), so this is not called drift; {runs}."
        case "too_short":
            return f"Too few runs under the newest setup to say anything, of {runs} in all."
        case "steady" if report.alarm_run and report.q_diff is not None:
            return f"An alarm over {runs} that the runs before and after do not confirm."
    doubt = "" if report.is_reliable else " So few attempts flip that an alarm here would prove little."
    since = f" since {date_of(report, report.breaks[-1].run)}" if report.breaks else ""
    return f"Steady over {runs}{since}.{doubt}"
