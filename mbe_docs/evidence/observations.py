"""The view that all SQL begins with: the observations of some runs, each in the version that counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mbe_docs.evidence.columns import observation_schema
from mbe_docs.evidence.connection import connect, file_list, plain_path
from mbe_docs.evidence.manifest import PartEntry

if TYPE_CHECKING:
    import duckdb


@contextmanager
def observed(
    parts: Sequence[tuple[PartEntry, Path]],
    run_keys: Collection[str],
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A closed-off DuckDB with the view `observations`: the columns of `records.evals.Observation`.

    `parts` are those that hold these runs, checked (`EvidenceStore.parts_of`). Other runs that happen to lie
    in them may be in the view; older versions of these runs are not.
    """
    import pyarrow as pa

    wanted = frozenset(run_keys)
    older = [
        (part, run.run_key)
        for part, (entry, _) in enumerate(parts)
        for run in entry.runs
        if run.superseded_by is not None and run.run_key in wanted
    ]
    with TemporaryDirectory(prefix="mbe-docs-") as name:
        folder = Path(name)
        paths = [plain_path(path, folder) for _, path in parts]
        connection = connect(paths, folder, threads=threads, memory_limit=memory_limit)
        try:
            mixed = {part for part, _ in older}
            numbers, keys = [part for part, _ in older], [key for _, key in older]
            stale = pa.table({"part": pa.array(numbers, pa.int32()), "run_key": pa.array(keys, pa.string())})
            add_table(connection, "stale", stale)
            connection.execute(f"CREATE VIEW observations AS {_union(connection, paths, mixed)}")
            yield connection
        finally:
            connection.close()


def add_table(connection: duckdb.DuckDBPyConnection, name: str, content: object) -> None:
    """Copy an Arrow table into the database, in place of one of the same name."""
    connection.register("given", content)
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")  # noqa: S608 - our own names
    connection.unregister("given")


def _union(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], mixed: Collection[int]) -> str:
    """All parts; from those with runs that count and older versions of others, the latter left out."""
    columns = ", ".join(observation_schema().names)
    whole = [path for part, path in enumerate(paths) if part not in mixed]
    selects = [f"SELECT {columns} FROM read_parquet({file_list(whole)})"] if whole else []  # noqa: S608 - literals
    selects += [
        f"SELECT {columns} FROM read_parquet({file_list([paths[part]])}) o WHERE NOT EXISTS "  # noqa: S608
        f"(SELECT 1 FROM stale s WHERE s.part = {part} AND s.run_key = o.run_key)"
        for part in sorted(mixed)
    ]
    if not selects:
        add_table(connection, "nothing", observation_schema().empty_table())
        selects = [f"SELECT {columns} FROM nothing"]  # noqa: S608
    return " UNION ALL ".join(selects)
