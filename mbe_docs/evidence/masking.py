"""Secrets masked in all that goes from one log to the store: the last thing done before a byte is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.evals import Run
from mbe_docs.records.findings import Finding
from mbe_docs.secrets import Detector, Secret, SecretPolicy
from mbe_docs.secrets.detector import keywords, masked

if TYPE_CHECKING:
    import pyarrow as pa

_OURS: Final = frozenset({"input_hash", "outcome"})
"""Columns that hold no text of a log."""
_KEYS: Final = frozenset({"run_key", "sample_id"})
_SETTINGS: Final = frozenset({"metadata", "task_args", "generation_params"})
_IS: Final = " = "
"""Between the name of a setting and its value, for the rules: what is called a key is looked at as one."""
COUNTED: Final = 10_000
"""Distinct secrets of a run that are told apart."""
_NAMED: Final = 3
"""Secrets whose hash a finding says."""

Found = tuple[Secret, ...]
Mask = Callable[[str], tuple[str, Found]]
"""A text to what is kept of it, and the secrets that were in it."""


class Masking:
    """The masking of one log: everything that goes to the store passes through here.

    A secret in running text becomes `[masked: RULE]`. In a value that rows are matched or cut by (a run key,
    a sample id, metadata) it becomes `[masked: RULE 1]`, numbered in this log: two samples stay two.
    """

    def __init__(self, policy: SecretPolicy) -> None:
        self._policy = policy
        self._detector = Detector(policy.allow)
        self._numbers: dict[str, int] = {}
        self._found: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def name(self, text: str) -> str:
        """The name of a log, masked."""
        return self._key(text)[0]

    def run(self, run: Run) -> Run:
        """The run with every text in it masked, and the number of secrets in it and in its rows by rule."""
        key, secrets = self._key(run.run_key)
        self._note(key, secrets)
        data = run.model_dump(mode="json")
        for field, value in data.items():
            data[field] = self._value(key, value) if field not in _SETTINGS else self._settings_of(key, value)
        counts = Counter(self._found[key].values()) if key in self._found else {}
        return Run.model_validate(data | {"run_key": key, "masked": dict(sorted(counts.items()))})

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with every text in it masked; the very same where nothing was found."""
        import pyarrow as pa

        run_keys, columns = batch.column("run_key"), batch.columns
        masked_columns = [
            column if name in _OURS else self._column(run_keys, column, name)
            for name, column in zip(batch.schema.names, columns, strict=True)
        ]
        if all(new is old for new, old in zip(masked_columns, columns, strict=True)):
            return batch
        return pa.RecordBatch.from_arrays(masked_columns, schema=batch.schema)

    def findings(self, complaints: Iterable[Finding], at: Location) -> tuple[Finding, ...]:
        """What the reader complained of, masked; then what was masked in this log, if anything was.

        Raises:
            SourceError: something was, and the policy is strict.
        """
        masked = tuple(replace(finding, problem=self._text(finding.problem)[0]) for finding in complaints)
        secrets = {sha256: rule for found in self._found.values() for sha256, rule in found.items()}
        if not secrets:
            return masked
        hashes, counts = sorted(secrets), sorted(Counter(secrets.values()).items())
        said = ", ".join(f"{count} × {rule}" if count > 1 else rule for rule, count in counts)
        number = f"{len(hashes)} secrets" if len(hashes) > 1 else "a secret"
        allow = ", ".join(hashes[:_NAMED]) + (", …" if len(hashes) > _NAMED else "")
        fix = (
            f"revoke what is real; what is none goes to behaviors/config.yaml, secrets: {{allow: [{allow}]}}"
        )
        if self._policy.strict:
            raise SourceError(f"{number} in the log: {said}; secrets.strict expects none", at=at, fix=fix)
        return (*masked, Finding("MBE256", "warning", f"masked {number}: {said}", at, fix))

    def _column(self, run_keys: pa.Array, column: pa.Array, name: str) -> pa.Array:
        """A column masked: of text, of mappings of text, or of lists of records of text."""
        import pyarrow as pa

        kind = column.type
        if pa.types.is_string(kind):
            return self._texts(run_keys, column, self._key if name in _KEYS else self._text)
        if not (pa.types.is_map(kind) or pa.types.is_list(kind)):
            return column
        offsets, rows = _rows(column)
        owners = run_keys.take(rows)
        if pa.types.is_map(kind):
            begin = column.offsets[0].as_py()
            old = [child.slice(begin, len(rows)) for child in (column.keys, column.items)]
            new = [self._texts(owners, old[0], self._text), self._settings(owners, *old)]
        else:
            old = column.flatten().flatten()
            new = [self._texts(owners, field, self._text) for field in old]
        if all(masked is text for masked, text in zip(new, old, strict=True)):
            return column
        if pa.types.is_map(kind):
            return pa.MapArray.from_arrays(offsets, *new, type=kind)
        records = pa.StructArray.from_arrays(new, fields=list(kind.value_type))
        return pa.ListArray.from_arrays(offsets, records, type=kind)

    def _texts(
        self, run_keys: pa.Array, texts: pa.Array, mask: Mask, *, shown: pa.Array | None = None
    ) -> pa.Array:
        """Texts masked, each distinct one looked at once; `shown` is what to look at in place of them."""
        import pyarrow as pa
        import pyarrow.compute as pc

        encoded = (texts if shown is None else shown).dictionary_encode()
        suspect = pc.match_substring_regex(encoded.dictionary, _keywords(), ignore_case=True)
        kept: dict[int, str] = {}
        secrets: dict[int, Found] = {}
        places = pc.indices_nonzero(suspect)
        words = encoded.dictionary.take(places).to_pylist()
        for number in self._detector.suspects(words):
            index, (text, found) = places[number].as_py(), mask(words[number])
            if found:
                kept[index], secrets[index] = text, found
        if not kept:
            return texts
        positions = pc.index_in(encoded.indices, pa.array(kept, encoded.indices.type))
        is_hit = positions.is_valid()
        owners = run_keys.filter(is_hit).to_pylist()
        for owner, index in set(zip(owners, encoded.indices.filter(is_hit).to_pylist(), strict=True)):
            self._note(self._key(owner)[0], secrets[index])
        return pc.coalesce(pa.array(kept.values(), texts.type).take(positions), texts)

    def _settings(self, run_keys: pa.Array, names: pa.Array, values: pa.Array) -> pa.Array:
        """Values masked, each read after its name."""
        import pyarrow.compute as pc

        shown = pc.binary_join_element_wise(pc.replace_substring(names, _IS, "="), values, _IS)
        return self._texts(run_keys, values, lambda text: self._setting(*text.split(_IS, 1)), shown=shown)

    def _settings_of(self, run_key: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        kept = {}
        for name, value in settings.items():
            if isinstance(value, str):
                kept[self._value(run_key, name)], found = self._setting(name.replace(_IS, "="), value)
                self._note(run_key, found)
            else:
                kept[self._value(run_key, name)] = value
        return kept

    def _value(self, run_key: str, value: Any) -> Any:
        if isinstance(value, str):
            value, found = self._text(value)
            self._note(run_key, found)
        elif isinstance(value, list):
            return [self._value(run_key, item) for item in value]
        elif isinstance(value, dict):
            return {key: self._value(run_key, item) for key, item in value.items()}
        return value

    def _note(self, run_key: str, secrets: Found) -> None:
        if secrets and len(self._found[run_key]) < COUNTED:
            self._found[run_key].update({secret.sha256: secret.rule for secret in secrets})

    def _text(self, text: str) -> tuple[str, Found]:
        secrets = self._detector.find(text)
        return masked(text, secrets), secrets

    def _key(self, text: str) -> tuple[str, Found]:
        secrets = self._detector.find(text)
        return masked(text, secrets, self._numbers), secrets

    def _setting(self, name: str, value: str) -> tuple[str, Found]:
        """A value masked, read after its name."""
        ahead = len(name) + len(_IS)
        secrets = tuple(
            secret._replace(start=max(0, secret.start - ahead), end=secret.end - ahead)
            for secret in self._detector.find(f"{name}{_IS}{value}")
            if secret.end > ahead
        )
        return masked(value, secrets, self._numbers), secrets


@cache
def _keywords() -> str:
    return keywords()


def _rows(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Where the items of each row of a nested column begin, from 0, and the row of each item."""
    import numpy as np
    import pyarrow as pa

    offsets = column.offsets.to_numpy()
    return pa.array(offsets - offsets[0]), pa.array(np.repeat(np.arange(len(column)), np.diff(offsets)))
