"""The DuckDB that reads evidence reaches nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.connection import connect, file_list, plain_path
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.store import EvidenceStore
from tests.evidence.logs import ingest, log, observation


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A part, with a secret lying about."""
    (tmp_path / "secret.txt").write_text("canary")
    store = EvidenceStore(tmp_path / "evidence")
    ingest(store, "other", log("x:2"))
    return store.part_path(ingest(store, "a.log", log()))


@pytest.fixture
def connection(part: Path, tmp_path: Path):
    """Closed off, but for that part."""
    with connect([part], tmp_path / "spill") as connection:
        yield connection


def test_the_listed_file_can_be_read(connection, part):
    """That is what it is for."""
    assert connection.execute(f"SELECT COUNT(*) FROM read_parquet({file_list([part])})").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{folder}/secret.txt')",
        "SELECT * FROM read_blob('/etc/hostname')",
        "SELECT * FROM read_csv('{folder}/secret.txt')",
        "SELECT * FROM read_parquet('{folder}/evidence/parts/*.parquet')",
        "SELECT * FROM read_parquet('{part}/../../parts/{other}.parquet')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM '{folder}/secret.txt'",
        "SELECT * FROM read_parquet('https://example.com/x.parquet')",
        "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/new.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{folder}/x.duckdb_extension'",
        "SELECT * FROM a_table_of_this_test",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/hostname']",
        "SET allowed_directories = ['/']",
        "SET python_enable_replacements = true",
        "SET lock_configuration = false",
        "SET autoinstall_known_extensions = true",
        "SET autoload_known_extensions = true",
        "SET temp_directory = '{folder}'",
        "RESET enable_external_access",
        "PRAGMA enable_profiling",
    ],
)
def test_nothing_else_can_be_reached_or_switched_on(connection, part, tmp_path, statement):
    """No other file, no network, no extension, no variable, no setting."""
    a_table_of_this_test = pa.table({"secret": ["canary"]})
    before = sorted(tmp_path.rglob("*"))
    other = next(path.stem for path in part.parent.iterdir() if path != part)

    with pytest.raises(duckdb.Error):
        connection.execute(statement.format(folder=tmp_path, part=part, other=other))

    assert sorted(tmp_path.rglob("*")) == before
    assert a_table_of_this_test.num_rows == 1


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
        ("python_enable_replacements", "false"),
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
    ],
)
def test_every_bolt_is_drawn(connection, setting, value):
    """As DuckDB itself reports it."""
    found = connection.execute("SELECT value FROM duckdb_settings() WHERE name = ?", [setting]).fetchone()
    assert found == (value,)


@pytest.mark.parametrize(
    "name", ["a[b]c", "st*r", "qu?st", "q'uo\"te", "sp ace", "{x,y}", "~", "模型", "a%20b", "#"]
)
def test_a_project_may_lie_in_a_folder_of_any_name(tmp_path, name):
    """Its parts are read as themselves, never as a pattern or as the end of a text."""
    store = EvidenceStore(tmp_path / name)
    ingest(store, "a.log", log(rows=[observation(), observation(sample="b")]))

    with Aggregation(store, [Selected(0, "x:1", "match")]) as aggregation:
        assert aggregation.arms().attempts.tolist() == [2]


def test_a_pattern_in_a_path_is_read_through_a_link(tmp_path):
    """DuckDB has no way to quote one."""
    folder = tmp_path / "links"
    folder.mkdir()

    link = plain_path(tmp_path / "a[b]" / "x.parquet", folder)

    assert (link, link.readlink()) == (folder / "x.parquet", tmp_path / "a[b]" / "x.parquet")


@pytest.mark.parametrize("text", ["'; DROP TABLE cells; --", "x' OR '1'='1", "\\", "\x00", "$$", "模型", ""])
def test_names_from_logs_are_values_and_never_sql(tmp_path, text):
    """Run keys, scorers, metadata keys and values."""
    store = EvidenceStore(tmp_path)
    rows = [observation(text, scorer=text, metadata={text: text}), observation(text, "b", 0.0, scorer=text)]
    ingest(store, "a.log", log(text, rows))
    selection = [
        Selected(0, text, text),
        Selected(1, text, text, cluster_key=text, slice_key=text),
        Selected(2, text, text, where=((text, text),)),
    ]

    with Aggregation(store, selection) as aggregation:
        arms = aggregation.arms()

    assert list(zip(arms.arm.tolist(), arms.slice_value, arms.attempts.tolist(), strict=True)) == [
        (0, None, 2),
        (1, None, 1),
        (1, text, 1),
        (2, None, 1),
    ]


def test_the_temporary_folder_is_gone_afterwards(tmp_path, monkeypatch):
    """Even when an aggregation cannot be made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    store = EvidenceStore(tmp_path / "evidence")
    ingest(store, "a.log", log())

    with Aggregation(store, [Selected(0, "x:1", "match")]) as aggregation:
        aggregation.arms()
        assert len(list((tmp_path / "tmp").iterdir())) == 1

    assert list((tmp_path / "tmp").iterdir()) == []


def test_reading_the_store_imports_neither_duckdb_nor_arrow():
    """`ingest` of known logs and `--help` stay quick."""
    script = (
        "import sys; from pathlib import Path; from mbe_docs.evidence.store import EvidenceStore\n"
        "EvidenceStore(Path('nowhere')).known()\n"
        "print(sorted({'duckdb', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
