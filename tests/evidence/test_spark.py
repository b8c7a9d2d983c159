"""The same SQL text on Spark: runs where `pyspark` (4 or later) and Java are installed."""

from __future__ import annotations

import random
import shutil

import pyarrow as pa
import pytest

from mbe_docs.evidence import pair_sql, sql
from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.store import EvidenceStore
from tests.evidence import naive
from tests.evidence.logs import ingest, log, observation

pytestmark = pytest.mark.slow

GIVEN = ("plain", "sliced", "entries", "scales", "pairs")
MADE = [
    ("samples", sql.SAMPLES),
    ("matched", sql.MATCHED_WHERE),
    ("cells", sql.CELLS),
    ("members", sql.MEMBERS),
    ("usage_cells", pair_sql.USAGE_CELLS),
    ("names", pair_sql.NAMES),
]
RESULTS = {
    "slices": sql.SLICES,
    **{"arms": sql.ARMS, "usage": sql.USAGE, "latency": sql.LATENCY},
    **{"pairs": pair_sql.PAIRS, "pair_usage": pair_sql.PAIR_USAGE, "flipped": pair_sql.FLIPPED},
    "flaky": pair_sql.FLAKY,
}


@pytest.fixture(scope="module")
def spark():
    """One worker, no web page."""
    pyspark_sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    builder = pyspark_sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """Arms of every kind, two of each, over logs with a bit of everything."""
    chance = random.Random(7)
    store = EvidenceStore(tmp_path_factory.mktemp("evidence"))
    outcomes = ("unscored", "refused", "limited", "model_error", "infra_error")
    for run in ("x:1", "x:2", "x:3"):
        rows = []
        for i in range(600):
            value = chance.choice([0.0, 1.0, 1.0, 0.333, 0.1, -3.0, 2.5, 99.0, None])
            metadata = {key: chance.choice("ab") for key in ("topic", "passage") if chance.random() < 0.7}
            outcome = "scored" if value is not None else chance.choice(outcomes)
            used = {name: chance.choice([None, 0, 1, chance.randrange(10**9)]) for name in naive.MEASURED}
            sample = str(chance.randrange(150))
            rows.append(observation(run, sample, value, epoch=i, outcome=outcome, metadata=metadata, **used))
        ingest(store, run, log(run, rows))
    selection = []
    for arm, (scale, how) in enumerate(
        (scale, how)
        for scale in [(0.0, 0.0, 1.0), (-3.0, -3.0, 2.5), (None, None, None), (0.5, 0.0, 1.0)]
        for how in [{}, {"cluster_key": "passage"}, {"slice_key": "topic"}, {"where": (("topic", "a"),)}]
    ):
        for side, runs in enumerate([("x:1", "x:3"), ("x:2",)]):
            selection += [Selected(2 * arm + side, run, "match", *scale, **how) for run in runs]
    with Aggregation(store, selection) as aggregation:
        aggregation.pair_usage([(2 * arm, 2 * arm + 1) for arm in range(16)])
        aggregation.flipped([(2 * arm, 2 * arm + 1) for arm in range(16)], 5)
        yield store, aggregation


def rows_of(table: pa.Table) -> list[tuple]:
    """Values of both engines in one form, in the order that is stated or in any fixed one."""
    rows = [tuple(None if v is None else str(v) for v in row.values()) for row in table.to_pylist()]
    return sorted(rows, key=str)


def test_spark_gives_the_same_numbers(spark, evidence):
    """To the bit, from the text as it stands."""
    store, aggregation = evidence
    connection = aggregation._connection
    spark.read.parquet(*(str(store.part_path(entry)) for entry in store.list())).createOrReplaceTempView(
        "observations"
    )
    for name in GIVEN:
        table = connection.sql(f"SELECT * FROM {name}").to_arrow_table()
        spark.createDataFrame(table).createOrReplaceTempView(name)
    for name, text in MADE:
        spark.sql(text).cache().createOrReplaceTempView(name)

    for name, text in RESULTS.items():
        theirs = spark.sql(text).toArrow()
        ours = connection.sql(text).to_arrow_table()
        assert theirs.column_names == ours.column_names
        assert theirs.num_rows > 10
        assert rows_of(theirs) == rows_of(ours), name
