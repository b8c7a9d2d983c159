"""Parquet tables through a mapping, and tables of aggregates."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mbe_docs.errors import SourceError
from mbe_docs.project.reading import claimant, sources
from mbe_docs.sources.interface import LogFile, Settings
from mbe_docs.sources.tabular import SOURCE
from tests.sources.build_logs import Read
from tests.sources.test_tabular import SCORE, read

ROWS = [
    {"model": "a", "id": 1, "score": 1.0, "answer": {"text": "yes", "tags": ["x", "y"]}},
    {"model": "a", "id": 2, "score": None, "answer": None},
    {"model": "b", "id": 1, "score": 0.25, "answer": {"text": "模型", "tags": []}},
]
BAD = sorted((Path(__file__).parents[3] / "shared" / "corpora" / "parquet_bad").glob("*.parquet"))


def written(tmp_path, rows, name="t.parquet", **options):
    """A Parquet file of rows, and what it is read into."""
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / name, **options)
    config = tmp_path / "m.yaml"
    config.write_text(SCORE, encoding="utf-8")
    return Read(tmp_path / name, Settings(mappings=(config,)), SOURCE)


def test_parquet_is_read_like_the_same_json_lines(tmp_path):
    """Ids, scores and metadata agree; a null is missing, not zero."""
    import json

    found = written(tmp_path, ROWS)
    lines = read(tmp_path, "\n".join(json.dumps(row) for row in ROWS), name="t.jsonl")

    assert found.pairs() == [("1", 1.0), ("2", None), ("1", 0.25)]
    assert [one.outcome for one in found.observations] == ["scored", "unscored", "scored"]
    assert found.observations[0].metadata == {"answer.text": "yes", "answer.tags": '["x","y"]'}
    kept = [(one[1:5], one.value, dict(one.metadata)) for one in lines.observations]
    assert [(one[1:5], one.value, dict(one.metadata)) for one in found.observations] == kept


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), "2026-01-02T03:04:05+00:00"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.50"), "1.50"),
        (b"caf\xc3\xa9", "café"),
        (True, "true"),
        (7, "7"),
    ],
)
def test_values_of_parquet_types_are_text(tmp_path, value, text):
    """As a person would write them in a CSV."""
    found = written(tmp_path, [{"model": "a", "id": 1, "score": 1.0, "x": value}])

    assert found.observations[0].metadata == {"x": text}


def test_a_nan_in_a_parquet_column_is_unscored(tmp_path):
    """Pandas writes a missing number as NaN."""
    found = written(tmp_path, [{"model": "a", "id": 1, "score": float("nan")}])

    assert [(one.value, one.outcome) for one in found.observations] == [(None, "unscored")]


def test_a_missing_column_of_a_parquet_table_is_refused(tmp_path):
    """The columns of Parquet are known, unlike those of JSON lines."""
    with pytest.raises(SourceError, match="column 'score' is there 0 times"):
        written(tmp_path, [{"model": "a", "id": 1}])


def test_a_damaged_parquet_table_is_read_up_to_the_damage(tmp_path):
    """Checksums of pages are verified: no value of a damaged page is believed."""
    rows = [{"model": "a", "id": n, "score": 1.0} for n in range(4000)]
    pq.write_table(
        pa.Table.from_pylist(rows), tmp_path / "t.parquet", write_page_checksum=True, row_group_size=2000,
        compression="none", use_dictionary=False,
    )  # fmt: skip
    meta = pq.read_metadata(tmp_path / "t.parquet").row_group(1).column(2)
    data = bytearray((tmp_path / "t.parquet").read_bytes())
    data[meta.data_page_offset + meta.total_compressed_size // 2] ^= 1
    (tmp_path / "t.parquet").write_bytes(data)
    (tmp_path / "m.yaml").write_text(SCORE, encoding="utf-8")

    found = Read(tmp_path / "t.parquet", Settings(mappings=(tmp_path / "m.yaml",)), SOURCE)

    assert 0 < len(found.observations) <= 2048
    assert {one.value for one in found.observations} == {1.0}
    assert (found.run.status, found.codes) == ("partial", ["MBE220"])


@pytest.mark.parametrize("cut", [4, 40, -1, -8, -200])
def test_a_cut_parquet_table_is_refused_with_its_place(tmp_path, cut):
    """Its directory is at the end, so nothing of it can be found."""
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "whole.parquet")
    with pytest.raises(SourceError, match="not readable as Parquet") as caught:
        read(tmp_path, (tmp_path / "whole.parquet").read_bytes()[:cut], name="t.parquet")

    assert (caught.value.at.path, caught.value.fix) == ("t.parquet", "write the table again")


@pytest.mark.skipif(not BAD, reason="the damaged Parquet files are not beside the project")
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_known_bad_parquet_files_never_crash(tmp_path, path):
    """Files that broke other readers: refused, or read in part."""
    with pytest.raises(SourceError):
        read(tmp_path, path.read_bytes(), name="t.parquet")


def test_a_cell_that_all_rows_share_is_held_once(tmp_path):
    """A small file that unpacks to 2 GB of text is read in the memory of one row."""
    text = "x" * 2**20
    table = pa.table(
        {
            "model": ["a"] * 2000,
            "id": range(2000),
            "score": [1.0] * 2000,
            "log": pa.array([text]).dictionary_encode().take(pa.array([0] * 2000)),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2000)
    assert (tmp_path / "t.parquet").stat().st_size < 2**20
    (tmp_path / "m.yaml").write_text(SCORE, encoding="utf-8")
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()

    most = 0
    for _ in SOURCE.read(
        LogFile(tmp_path / "t.parquet", "t.parquet"), Settings(mappings=(tmp_path / "m.yaml",))
    ):
        most = max(most, pool.bytes_allocated() - before)

    assert most < 64 * 2**20


def test_files_of_the_evidence_store_are_not_claimed(tmp_path):
    """They are what logs were read into; a folder walk meets them."""
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / f"{'0f' * 32}.parquet")
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "t.parquet")
    (tmp_path / "no.parquet").write_text("no Parquet")

    claimed = [
        claimant(LogFile(path, path.name), sources()) and path.name
        for path in sorted(tmp_path.glob("*.parquet"))
    ]

    assert claimed == [None, None, "t.parquet"]


AGGREGATES = """\
files: ["t.*"]
level: reported
task: edit
model: {column: model}
n_samples: {column: cases}
timestamp: {column: date}
parameters: {edit_format: {column: format}}
metrics: {pass_rate: {column: rate}}
"""
TABLE = "model,cases,date,format,rate,note\na,133,2024-06-20,diff,74.4,x\na,133,2024-06-20,diff,n/a,\na,no,,whole,x,\n"


def test_a_row_of_aggregates_is_a_run_that_reports(tmp_path):
    """No attempt is made of it, so nothing counts it; equal rows stay two runs."""
    found = read(tmp_path, TABLE, AGGREGATES)

    assert found.observations == []
    assert len({run.run_key for run in found.runs}) == 3
    first = found.runs[0]
    assert [(one.scorer, one.metric, one.value, one.n_samples) for one in first.reported] == [
        ("pass_rate", "value", 74.4, 133)
    ]
    assert (first.generation_params, first.metadata) == ({"edit_format": "diff"}, {"note": "x"})
    assert (first.started_at, first.status, first.epochs) == ("2024-06-20T00:00:00+00:00", "success", None)


def test_a_reported_figure_that_cannot_be_read_is_unknown(tmp_path):
    """Missing is missing, and what is no number is a finding; neither is zero."""
    found = read(tmp_path, TABLE, AGGREGATES)

    assert [run.reported[0].value for run in found.runs] == [74.4, None, None]
    assert found.runs[2].reported[0].n_samples is None
    assert [(one.code, one.at.line) for one in found.findings] == [("MBE221", 4), ("MBE221", 4)]
