"""Parts: one Parquet file per ingested log, the same bytes whenever the same log is written."""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, assert_never

from mbe_docs.errors import EvidenceError, Location
from mbe_docs.evidence import columns
from mbe_docs.evidence.files import flush, publish, scratch, sha256_of, writing
from mbe_docs.evidence.manifest import PartEntry, RunEntry
from mbe_docs.evidence.masking import Masking
from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import canonical_json
from mbe_docs.secrets import SecretPolicy

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT: Final = "1"
RUNS_KEY: Final = "mbe_docs.runs"
"""Where the footer of a part holds its runs: a JSON array of `Run`, in the order of their keys."""
ROWS_PER_GROUP: Final = 32_768
"""Rows held in memory and written together; part of the format, since it decides the bytes."""
CHARS_PER_GROUP: Final = 8 * 2**20
"""The same in characters of text of any length, whichever is reached first."""
ROWS_AT_ONCE: Final = 512
"""Rows held as Python objects until they become columns: few, to stay in the processor's cache."""
OBJECTS_PER_COLLECTION: Final = 100_000
"""New objects after which the garbage collector looks for cycles while a log is read, in place of 700."""

Item = Run | Observation | Excerpt | Finding
"""What a source yields (`sources.interface.Item`, which a neighbour of its layer may not import)."""


@contextlib.contextmanager
def rarely_collected() -> Iterator[None]:
    """A log makes many objects and no cycles: the collector would walk over them for nothing."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_PER_COLLECTION, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class TableWriter:
    """A Parquet file of the store, still without its name; `with` it, `write` batches, then `finish`."""

    def __init__(self, tmp: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self.rows = 0
        """Written so far."""
        self._stack = contextlib.ExitStack()
        self._tmp = tmp
        with writing(tmp):
            self._path, self._file = self._stack.enter_context(scratch(tmp))
            # Parquet has no time stamp of its own. Its page checksums serve readers other than DuckDB.
            self._writer = pq.ParquetWriter(
                str(self._path), schema, compression="zstd", store_schema=False, write_page_checksum=True
            )

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # a full disk was reported by the call that met it
            self._writer.close()
        self._stack.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Add a batch as one row group."""
        with writing(self._tmp):
            self._writer.write_batch(batch, row_group_size=max(batch.num_rows, 1))
        self.rows += batch.num_rows

    def finish(self, folder: Path, metadata: dict[str, str]) -> tuple[str, int]:
        """Close the file and move it into a folder under its hash: that SHA-256, and its size in bytes."""
        with writing(self._tmp):
            self._writer.add_key_value_metadata(metadata)
            self._writer.close()
            flush(self._file)
            sha256, size = sha256_of(self._path), self._path.stat().st_size
            publish(self._path, folder / f"{sha256}.parquet")
        return sha256, size


class _Buffer:
    """Rows on their way into a table: as many as make a row group are held, and masked as one."""

    def __init__(
        self,
        table: TableWriter,
        batch: Callable[[Any], pa.RecordBatch],
        mask: Callable[[pa.RecordBatch], pa.RecordBatch],
    ) -> None:
        self.table, self._batch, self._mask = table, batch, mask
        self._rows: list[Observation | Excerpt] = []
        self._batches: list[pa.RecordBatch] = []
        self._held = self._chars = 0

    def add(self, row: Observation | Excerpt) -> None:
        self._rows.append(row)
        self._held += 1
        self._chars += columns.size_of(row)
        if self._held >= ROWS_PER_GROUP or self._chars >= CHARS_PER_GROUP:
            self.flush()
        elif len(self._rows) >= ROWS_AT_ONCE:
            self._convert()

    def flush(self) -> None:
        self._convert()
        if self._batches:
            self.table.write(self._mask(columns.joined(self._batches)))
        self._batches, self._held, self._chars = [], 0, 0

    def _convert(self) -> None:
        if self._rows:
            self._batches.append(self._batch(self._rows))
            self._rows = []


class _Log:
    """What has been read of one log so far."""

    def __init__(self, root: Path, stack: contextlib.ExitStack, secrets: SecretPolicy) -> None:
        self.masking = Masking(secrets)
        self.runs: dict[str, Run] = {}
        self.findings: list[Finding] = []
        self.keys: set[str] = set()
        self.not_numbers = 0
        self._root, self._stack = root, stack
        self._observations = self._buffer(columns.observation_schema(), columns.observation_batch)
        self._excerpts: _Buffer | None = None

    def _buffer(self, schema: pa.Schema, batch: Callable[[Any], pa.RecordBatch]) -> _Buffer:
        table = self._stack.enter_context(TableWriter(self._root / "tmp", schema))
        return _Buffer(table, batch, self.masking.batch)

    def take(self, item: Item) -> None:
        match item:
            case Observation():
                kept = columns.readable(item)
                self.not_numbers += item.value is not None and kept.value is None
                self.keys.add(item.run_key)
                self._observations.add(kept)
            case Excerpt():
                self.keys.add(item.run_key)
                if self._excerpts is None:
                    self._excerpts = self._buffer(columns.excerpt_schema(), columns.excerpt_batch)
                self._excerpts.add(item)
            case Run():
                self.runs[item.run_key] = item
            case Finding():
                self.findings.append(item)
            case _:
                assert_never(item)

    def finish(
        self, source_sha256: str, source_uri: str, source_format: str
    ) -> tuple[PartEntry, tuple[Finding, ...]]:
        self._observations.flush()
        if self._excerpts:
            self._excerpts.flush()
        runs = [self.masking.run(self.runs[key]) for key in sorted(self.runs)]
        findings = self.masking.findings(self.findings, Location(source_uri))
        about = {"format": FORMAT, "source_sha256": source_sha256, "source_format": source_format}
        metadata = {f"mbe_docs.{key}": value for key, value in about.items()}
        excerpts = None
        if self._excerpts:
            excerpts, _ = self._excerpts.table.finish(self._root / "excerpts", metadata)
        metadata[RUNS_KEY] = canonical_json([run.model_dump(mode="json") for run in runs])
        part, size = self._observations.table.finish(self._root / "parts", metadata)
        entry = PartEntry(
            source_sha256=source_sha256,
            source_uri=self.masking.name(columns.encodable(source_uri)),
            source_format=source_format,
            part=part,
            excerpts=excerpts,
            bytes=size,
            rows=self._observations.table.rows,
            runs=tuple(_run_entry(run) for run in runs),
        )
        return entry, findings


def write(
    root: Path,
    items: Iterable[Item],
    *,
    source_sha256: str,
    source_uri: str,
    source_format: str,
    secrets: SecretPolicy,
) -> tuple[PartEntry, tuple[Finding, ...]]:
    """Write the part of one log, and a file of excerpts where it has any: see `EvidenceStore.write_part`."""
    at = Location(source_uri)
    with rarely_collected(), contextlib.ExitStack() as stack:
        log = _Log(root, stack, secrets)
        for item in items:
            log.take(item)
        if not log.runs:
            raise EvidenceError("no run was found in the log", at=at, fix="ingest a log that states its run")
        if strangers := log.keys - set(log.runs):
            raise EvidenceError(
                f"scores name the run {min(strangers)!r}, which the log does not state",
                at=at,
                fix=f"report it: the reader of {source_format} logs is at fault",
            )
        if log.not_numbers:
            log.findings.append(_not_numbers(log.not_numbers, at))
        return log.finish(source_sha256, source_uri, source_format)


def merge(
    root: Path,
    folder: str,
    schema: pa.Schema,
    wanted: Iterable[tuple[Path, Collection[str]]],
    metadata: dict[str, str],
) -> tuple[str, int]:
    """One file with the rows of these runs from each of these files, in their order: its hash and size.

    Rows are held until they make a row group; many small files give few groups.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with TableWriter(root / "tmp", schema) as table:
        held: list[pa.RecordBatch] = []
        for path, run_keys in wanted:
            keys = pa.array(sorted(run_keys), pa.string())
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(batch_size=ROWS_PER_GROUP):
                    is_wanted = pc.is_in(batch.column("run_key"), value_set=keys)
                    held.append(batch.filter(is_wanted).cast(schema))
                    if sum(some.num_rows for some in held) >= ROWS_PER_GROUP:
                        table.write(pa.concat_batches(held))
                        held = []
        if sum(some.num_rows for some in held):
            table.write(pa.concat_batches(held))
        return table.finish(root / folder, metadata)


def _not_numbers(count: int, at: Location) -> Finding:
    return Finding(
        code="MBE255",
        severity="warning",
        problem=f"{count} scores are NaN or infinite; expected numbers; kept as unscored",
        at=at,
        fix="have the scorer give a number, or no score",
    )


def _run_entry(run: Run) -> RunEntry:
    return RunEntry(
        run_key=run.run_key,
        status=run.status,
        task=run.task,
        model_requested=run.model_requested,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def read_runs(path: Path) -> tuple[Run, ...]:
    """The runs of an intact part, in the order of their keys; only its footer is read."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path).metadata or {}
    return tuple(Run.model_validate(run) for run in json.loads(metadata[RUNS_KEY.encode()]))


def read_excerpts(path: Path, run_key: str, sample_ids: frozenset[str] | None) -> Iterator[Excerpt]:
    """The excerpts of one run in an intact file, in the order of the log; of these samples only, if given."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(batch_size=1024):
            for excerpt in columns.excerpts_of(batch):
                is_wanted = sample_ids is None or excerpt.sample_id in sample_ids
                if excerpt.run_key == run_key and is_wanted:
                    yield excerpt
