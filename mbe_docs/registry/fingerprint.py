"""What makes two runs comparable: the slots of a run that could change the question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mbe_docs.config import Policy
from mbe_docs.records.base import Scalar
from mbe_docs.records.estimates import SlotDifference
from mbe_docs.records.evals import Run
from mbe_docs.records.hashing import canonical_json, text_hash

Slots = dict[str, str | None]
"""Slot name → value as text; `None` is unknown."""


def slots(run: Run, scorer: str, *, ignore: Iterable[str] = ()) -> Slots:
    """The fingerprint of a run for one scorer.

    `ignore` names the parameters that define the variants being compared (keys of their `when`):
    they are the thing compared and do not count against it.
    """
    ignored = set(ignore)
    name = scorer.partition("/")[0]
    spec = next((spec for spec in run.scorers if spec.name in (scorer, name)), None)
    prompt = (
        run.system_prompt_hash
        if run.has_system_prompt
        else ("none" if run.has_system_prompt is False else None)
    )
    return {
        "task": run.task,
        "task_version": run.task_version,
        "dataset": run.dataset,
        "dataset_revision": run.dataset_revision,
        "scorer": scorer,
        "scorer_parameters": spec.parameters_hash if spec else None,
        "judge_model": spec.judge_model if spec else None,
        "solver": run.solver,
        "generation_params": _text(run.generation_params, ignored),
        "system_prompt": "ignored" if "system_prompt" in ignored else prompt,
        "task_args": _text(_arguments(run), ignored),
        "prompt": run.prompt_hash,
        "epochs": str(run.epochs) if run.epochs else None,
        "harness": run.harness,
        "harness_version": run.harness_version,
    }


def _arguments(run: Run) -> dict[str, Scalar]:
    """Task arguments without the one that *is* the system prompt: that counts in its own slot."""
    return {
        key: value
        for key, value in run.task_args.items()
        if value not in (None, "")
        and (run.system_prompt_hash is None or text_hash(str(value)) != run.system_prompt_hash)
    }


def _text(values: Mapping[str, Scalar], ignored: set[str]) -> str:
    return canonical_json({key: value for key, value in values.items() if key not in ignored})


def differing(old: Iterable[Slots], new: Iterable[Slots], policy: Policy) -> tuple[SlotDifference, ...]:
    """Slots in which two sets of runs differ, refusing ones first.

    A slot unknown on one side and known on the other differs; unknown on both sides is not shown to
    differ and is listed nowhere: most formats record only some slots.
    """
    olds, news = list(old), list(new)
    found = []
    for slot in olds[0] if olds else ():
        before = {entry[slot] for entry in olds}
        after = {entry[slot] for entry in news}
        if before != after:
            found.append(
                SlotDifference(
                    slot=slot,
                    old=_shown(before),
                    new=_shown(after),
                    refuses=slot in policy.refuse_on,
                )
            )
    return tuple(sorted(found, key=lambda difference: (not difference.refuses, difference.slot)))


def _shown(values: set[str | None]) -> str | None:
    known = sorted(value for value in values if value is not None)
    return " / ".join(known) if known else None


def group_key(run: Run, scorer: str, policy: Policy, *, ignore: Iterable[str] = ()) -> str:
    """Runs with the same key are attempts at the same question and may be pooled."""
    own = slots(run, scorer, ignore=ignore)
    return canonical_json({key: own[key] for key in grouping_slots(policy) if key in own})


def grouping_slots(policy: Policy) -> tuple[str, ...]:
    """Slots in which runs of one measure and subject must agree to be pooled."""
    return ("task", "dataset", *policy.refuse_on)
