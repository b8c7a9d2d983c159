"""One run as evidence: what it states, what was seen, and where published its samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.lookup import Lookup, run_id, sample_anchor
from mbe_docs.pages.run_table import run_state, seen_words
from mbe_docs.pages.views import Link, State
from mbe_docs.records.evals import Excerpt, Run
from mbe_docs.records.registry import Registry, RunSummary
from mbe_docs.text import page_slug

SAMPLES_SHOWN: Final = 60
"""Samples on the page of a run."""


@dataclass(frozen=True, slots=True)
class SampleView:
    """The attempts at one sample."""

    sample_id: str
    anchor: str
    input: str
    target: str | None
    attempts: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything a run page shows."""

    run: Run
    state: State
    lead: str
    subject: Link | None
    behaviors: tuple[Link, ...]
    outcomes: tuple[tuple[str, int], ...]
    facts: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    reported: tuple[tuple[str, str, str], ...]
    samples: tuple[SampleView, ...]
    samples_left_out: int


class _Runs:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """One page per run that no edited log replaced."""
        lookup = Lookup(registry)
        for summary in registry.runs:
            run = summary.run
            view = run_view(lookup, summary, context)
            yield PageFile(
                id=run_id(run.run_key),
                path=f"evidence/{page_slug(run.run_key)}.md",
                template="run.md.j2",
                view=view,
                title=f"Run: {run.task} on {run.model_requested}",
                description=None,
                anchors=frozenset({"samples", *(sample.anchor for sample in view.samples)}),
                nav=None,
                search_exclude=True,
            )


PAGE = _Runs()


def run_view(lookup: Lookup, summary: RunSummary, context: Context) -> RunView:
    """The view of one run."""
    run = summary.run
    by_sample: dict[str, list[Excerpt]] = {}
    for excerpt in context.excerpts.get(run.run_key, ()):
        by_sample.setdefault(excerpt.sample_id, []).append(excerpt)
    shown = shown_samples(lookup, run.run_key, by_sample)
    samples = [
        SampleView(name, sample_anchor(name), attempts[0].input, attempts[0].target, tuple(attempts))
        for name, attempts in sorted(by_sample.items())
        if name in shown
    ]
    return RunView(
        run=run,
        state=run_state(summary),
        lead=_lead(summary),
        subject=lookup.model_link(summary.subject) if summary.subject else None,
        behaviors=tuple(lookup.behavior_link(behavior) for behavior in summary.behaviors),
        outcomes=tuple(sorted(summary.outcomes.items(), key=lambda entry: (-entry[1], entry[0]))),
        facts=tuple(_facts(run)),
        parameters=tuple(
            (key, str(value))
            for key, value in sorted({**run.generation_params, **run.task_args}.items())
            if value is not None
        ),
        reported=tuple(
            (metric.scorer, metric.metric, "unknown" if metric.value is None else f"{metric.value:.4g}")
            for metric in run.reported
        ),
        samples=tuple(samples),
        samples_left_out=len(by_sample) - len(samples),
    )


def shown_samples(lookup: Lookup, run_key: str, published: Iterable[str]) -> frozenset[str]:
    """The samples, of those with published texts, on the page of a run: those that moved somewhere first."""
    moved = lookup.moved_samples.get(run_key, set())
    return frozenset(sorted(published, key=lambda name: (name not in moved, name))[:SAMPLES_SHOWN])


def _lead(summary: RunSummary) -> str:
    run = summary.run
    said = f"{seen_words(summary)}."
    if run.status != "success":
        reason = f" {run.status_reason}." if run.status_reason else ""
        said = f"{said} This run did not finish, so nothing in it counts as a result.{reason}"
    return said


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    judges = sorted({spec.judge_model for spec in run.scorers if spec.judge_model})
    pairs = (
        ("Task", run.task),
        ("Task version", run.task_version),
        ("Dataset", run.dataset),
        ("Dataset revision", run.dataset_revision),
        ("Model asked for", run.model_requested),
        ("Model that answered", ", ".join(run.models_resolved) or None),
        ("System prompt", {True: "yes", False: "none", None: None}[run.has_system_prompt]),
        ("Solver", run.solver),
        ("Scorers", ", ".join(spec.name for spec in run.scorers) or None),
        ("Judge", ", ".join(judges) or None),
        ("Epochs", str(run.epochs) if run.epochs else None),
        ("Harness", " ".join(filter(None, (run.harness, run.harness_version))) or None),
        ("Started", run.started_at),
        ("Finished", run.finished_at),
        ("Log", run.log_uri),
        ("SHA-256", run.file_sha256),
    )
    for name, value in pairs:
        yield name, value if value is not None else "unknown"
    if run.masked:
        rules = (f"{count} × {rule}" if count > 1 else rule for rule, count in run.masked.items())
        yield "Secrets masked", ", ".join(rules)
