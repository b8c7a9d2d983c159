"""Which subject (snapshot or variant) a run measured."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from mbe_docs.records.base import Scalar
from mbe_docs.records.evals import Run
from mbe_docs.records.models import AliasBinding, Family, Snapshot, Variant


@dataclass(frozen=True, slots=True)
class Subject:
    """What a card is about: a dated snapshot, or the same weights under another configuration."""

    id: str
    family: Family
    snapshot: Snapshot
    variant: Variant | None = None

    @property
    def title(self) -> str:
        """How people call it."""
        named = self.variant.title if self.variant else self.snapshot.title
        return named or self.id


class Subjects:
    """Lookup over all families; names are matched exactly, ignoring case, never fuzzily."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._names: dict[str, str] = {}
        self._aliases: dict[str, tuple[AliasBinding, ...]] = {}
        self._variants: dict[str, list[Variant]] = {}
        self.all: dict[str, Subject] = {}
        for family in families:
            for snapshot in family.snapshots.values():
                self.all[snapshot.id] = Subject(snapshot.id, family, snapshot)
                for name in (snapshot.id, *snapshot.known_as, *(served.id for served in snapshot.served_by)):
                    self._names[name.casefold()] = snapshot.id
                for variant in family.variants.values():
                    if variant.of == snapshot.id:
                        self.all[variant.id] = Subject(variant.id, family, snapshot, variant)
                        self._variants.setdefault(snapshot.id, []).append(variant)
            for alias, bindings in family.aliases.items():
                self._aliases[alias.casefold()] = bindings

    def snapshot_named(self, name: str, on: datetime.date | None) -> str | None:
        """The snapshot a model name meant on a date: its own name, a name it is known as, or an alias.

        A provider prefix (`openai/gpt-4.1`) is dropped where the full name is unknown.
        """
        for candidate in dict.fromkeys((name, name.rpartition("/")[2])):
            key = candidate.casefold()
            if key in self._names:
                return self._names[key]
            for binding in self._aliases.get(key, ()):
                if on is not None and binding.start <= on and (binding.end is None or on < binding.end):
                    return binding.snapshot
        return None

    def of_run(self, run: Run) -> str | None:
        """The subject a run measured; `None` where no family lists its model.

        The model that answered wins over the one that was asked for. The variant with the most
        conditions that all hold wins over one with fewer; the snapshot itself needs none to hold.
        """
        on = day_of(run)
        names = run.models_resolved if len(run.models_resolved) == 1 else ()
        found = (self.snapshot_named(name, on) for name in (*names, run.model_requested))
        snapshot = next((name for name in found if name), None)
        if snapshot is None:
            return None
        fitting = [variant for variant in self._variants.get(snapshot, ()) if holds(variant.when, run)]
        if not fitting:
            return snapshot
        return max(fitting, key=lambda variant: (len(variant.when), variant.id)).id

    def variants_of(self, snapshot: str) -> tuple[Variant, ...]:
        """Declared variants of a snapshot, in file order."""
        return tuple(self._variants.get(snapshot, ()))


def day_of(run: Run) -> datetime.date | None:
    """The day a run started; unknown where the log states none, or none that exists."""
    try:
        return datetime.date.fromisoformat((run.started_at or "")[:10])
    except ValueError:
        return None


def holds(conditions: dict[str, Scalar], run: Run) -> bool:
    """Whether every condition of a variant or mitigation holds in a run."""
    return all(_is_same(_condition_value(key, run), wanted) for key, wanted in conditions.items())


def _condition_value(key: str, run: Run) -> Scalar:
    if key == "system_prompt":
        return run.has_system_prompt
    for place in (run.generation_params, run.task_args, run.metadata):
        if key in place:
            return place[key]
    return key in run.tags or None


def _is_same(value: Scalar, wanted: Scalar) -> bool:
    """Numbers compare as numbers (`0`, `0.0` and `"0"` are one temperature), and no boolean is a number."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return _number(value) == _number(wanted)


def _number(value: Scalar) -> Scalar:
    try:
        return value if value is None else float(value)
    except ValueError:
        return value
