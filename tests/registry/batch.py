"""Many small measurements in one store: each case has a task, a behavior and a family of its own.

One merge for a whole module of tests, because every merge costs a second; cases cannot touch each other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mbe_docs.records.behaviors import Behavior
from mbe_docs.records.estimates import Comparison, Estimate
from mbe_docs.records.evals import Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.records.models import Family, Snapshot, Variant
from mbe_docs.records.registry import Registry
from tests import make


class Batch:
    """Cases to measure, and after `merge` what came of each."""

    def __init__(self) -> None:
        self.logs: list[tuple[Run, list[Observation]]] = []
        self.behaviors: list[Behavior] = []
        self.families: dict[str, Family] = {}
        self.registry: Registry
        self.findings: tuple[Finding, ...]

    def behavior(
        self, case: str, name: str | None = None, *, family: str | None = None, **measure: Any
    ) -> None:
        """A behavior read off the task of this name, on the family of the case."""
        name = name or case
        fields = {"task": (name,), "range": None, "require": None, "min_samples": 1, "margin": None}
        self.behaviors.append(make.behavior(id=name, title=name, measure=make.measure(**(fields | measure))))
        family = family or case
        self.families.setdefault(
            family,
            make.family(
                id=family,
                lineage=((f"{family}-1", f"{family}-2"),),
                snapshots={f"{family}-{n}": Snapshot(id=f"{family}-{n}") for n in (1, 2)},
                aliases={},
                variants={},
            ),
        )

    def variant(self, case: str, name: str, when: dict[str, Any]) -> None:
        """Another configuration of the first snapshot of a case."""
        family = self.families[case]
        added = {**family.variants, name: Variant(id=name, of=f"{case}-1", when=when)}
        self.families[case] = family.model_copy(update={"variants": added})

    def run(
        self,
        case: str,
        attempts: Any,
        *,
        side: int = 1,
        task: str | None = None,
        change: Callable[[int, Observation], Observation] | None = None,
        samples: dict[str, Any] | None = None,
        **run: Any,
    ) -> str:
        """The key of a run of the case's task on one of its snapshots; `samples` goes to its observations."""
        key = f"inspect:{case}-{len(self.logs):04d}"
        attempts = attempts.split() if isinstance(attempts, str) else attempts
        fields = {
            "run_key": key,
            "task": task or case,
            "model_requested": f"acme/{case}-{side}",
            "log_uri": f"logs/{key.partition(':')[2]}.eval",
            "samples_planned": len(attempts),
            "epochs": len(attempts[0]),
        }
        stated = make.run(**(fields | run))
        words = " ".join(attempts) if isinstance(attempts[0], str) else attempts
        rows = make.observations(stated, words, **(samples or {}))
        if change is not None:
            rows = [change(number, row) for number, row in enumerate(rows)]
        self.logs.append((stated, rows))
        return key

    def pair(
        self, case: str, old: Any, new: Any, *, run: dict[str, Any] | None = None, **measure: Any
    ) -> None:
        """A behavior measured on both snapshots; `run` changes the new run."""
        self.behavior(case, **measure)
        self.run(case, old, side=1)
        self.run(case, new, side=2, **(run or {}))

    def merge(self, root: Path, **more: Any) -> Batch:
        """Everything measured."""
        self.registry, self.findings = make.merged(
            root, *self.logs, behaviors=self.behaviors, families=self.families.values(), **more
        )
        return self

    def estimate(self, name: str, subject: str | None = None) -> Estimate:
        """The estimate of a case, on its first snapshot."""
        wanted = (name, subject or f"{name}-1")
        return next(entry for entry in self.registry.estimates if (entry.behavior, entry.subject) == wanted)

    def comparison(self, name: str, *, old: str | None = None, new: str | None = None) -> Comparison:
        """The comparison of a case, from its first to its second snapshot."""
        wanted = (name, old or f"{name}-1", new or f"{name}-2")
        return next(c for c in self.registry.comparisons if (c.behavior, c.old, c.new) == wanted)

    def found(self, code: str, name: str) -> list[Finding]:
        """Findings of a code that speak of a case."""
        return [
            finding for finding in self.findings if finding.code == code and f"'{name}'" in finding.problem
        ]
