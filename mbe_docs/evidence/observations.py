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
    live: dict[Path, set[str]] = {}
    mixed: set[Path] = set()
    for entry, path in parts:
        live.setdefault(path, set()).update(entry.live())
        if entry.shared is True or any(run.superseded_by and run.run_key in wanted for run in entry.runs):
            mixed.add(path)
    with TemporaryDirectory(prefix="mbe-docs-") as name:
        folder = Path(name)
        paths = {path: plain_path(path, folder) for path in live}
        connection = connect(paths.values(), folder, threads=threads, memory_limit=memory_limit)
        try:
            some = [path for path in paths if path in mixed]
            keys = [(number, key) for number, path in enumerate(some) for key in sorted(live[path] & wanted)]
            numbers, run_keys_of = ([pair[at] for pair in keys] for at in (0, 1))
            table = pa.table(
                {"part": pa.array(numbers, pa.int32()), "run_key": pa.array(run_keys_of, pa.string())}
            )
            add_table(connection, "counting", table)
            whole = [paths[path] for path in paths if path not in mixed]
            text = _union(connection, whole, [paths[path] for path in some])
            connection.execute(f"CREATE VIEW observations AS {text}")
            yield connection
        finally:
            connection.close()


def add_table(connection: duckdb.DuckDBPyConnection, name: str, content: object) -> None:
    """Copy an Arrow table into the database, in place of one of the same name."""
    connection.register("given", content)
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")  # noqa: S608 - our own names
    connection.unregister("given")


def _union(connection: duckdb.DuckDBPyConnection, whole: Sequence[Path], mixed: Sequence[Path]) -> str:
    """All parts; of those where not every row counts, the runs that do."""
    columns = ", ".join(observation_schema().names)
    selects = [f"SELECT {columns} FROM read_parquet({file_list(whole)})"] if whole else []  # noqa: S608 - literals
    selects += [
        f"SELECT {columns} FROM read_parquet({file_list([path])}) o WHERE EXISTS "  # noqa: S608
        f"(SELECT 1 FROM counting c WHERE c.part = {part} AND c.run_key = o.run_key)"
        for part, path in enumerate(mixed)
    ]
    if not selects:
        add_table(connection, "nothing", observation_schema().empty_table())
        selects = [f"SELECT {columns} FROM nothing"]  # noqa: S608
    return " UNION ALL ".join(selects)
