"""The same SQL text on Spark: every column of every result is equal to DuckDB's, to the bit."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest

from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.compaction import compact
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.spark import on_spark
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.project import Project
from tests.evidence import naive
from tests.evidence.logs import ingest, log, observation

pytestmark = pytest.mark.slow

PAIRS = [(2 * arm, 2 * arm + 1) for arm in range(16)]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """Arms of every kind, two of each, over logs with a bit of everything; a folder with a special name."""
    chance = random.Random(7)
    store = EvidenceStore(tmp_path_factory.mktemp("evidence") / "a[b] {c}*")
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
    # An older version of one run lies beside runs that count, in a part that several logs share.
    ingest(store, "older", log("x:1", [observation("x:1")], finished_at="2000-01-01T00:00:00+00:00"))
    compact(store)
    selection = []
    for arm, (scale, how) in enumerate(
        (scale, how)
        for scale in [(0.0, 0.0, 1.0), (-3.0, -3.0, 2.5), (None, None, None), (0.5, 0.0, 1.0)]
        for how in [{}, {"cluster_key": "passage"}, {"slice_key": "topic"}, {"where": (("topic", "a"),)}]
    ):
        for side, runs in enumerate([("x:1", "x:3"), ("x:2",)]):
            selection += [Selected(2 * arm + side, run, "match", *scale, **how) for run in runs]
    return store, selection


def plain(thing):
    """A result as nested plain values, so that everything in it is compared."""
    if dataclasses.is_dataclass(thing):
        return {field.name: plain(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
    if isinstance(thing, np.ndarray):
        return [str(thing.dtype), *map(repr, thing.tolist())]
    if isinstance(thing, dict):
        return {str(key): plain(value) for key, value in thing.items()}
    return [plain(item) for item in thing] if isinstance(thing, tuple | list) else thing


def results(aggregation):
    """Everything that an aggregation gives."""
    return {
        "arms": plain(aggregation.arms()),
        "latency": plain(aggregation.latency()),
        "pairs": plain(aggregation.pairs(PAIRS)),
        "pair_usage": plain(aggregation.pair_usage(PAIRS)),
        "flipped": plain(aggregation.flipped(PAIRS, 5)),
        "flaky": plain(aggregation.flaky(PAIRS, 5)),
    }


def test_spark_gives_the_same_numbers(spark, evidence):
    """For arms of every kind."""
    store, selection = evidence
    with Aggregation(store, selection) as here:
        ours = results(here)
    with Aggregation(store, selection, engine=on_spark(spark)) as there:
        theirs = results(there)

    assert len(ours["arms"]["arm"]) > 32
    for name, values in ours.items():
        assert theirs[name] == values, name


def test_the_projects_own_registry_is_the_same(spark, own_project):
    """Estimates, comparisons, drift and findings, with every sum behind them from Spark."""
    used = []

    def engine(parts, run_keys):
        used.append(len(parts))
        return on_spark(spark)(parts, run_keys)

    ours, theirs = Project(own_project), Project(own_project, engine=engine)

    assert theirs.registry() == ours.registry()
    assert theirs.check() == ours.check()
    assert used


def test_sums_that_do_not_fit_are_refused_as_by_duckdb(spark, tmp_path):
    """With the same advice."""
    from mbe_docs.errors import EvidenceError

    store = EvidenceStore(tmp_path)
    rows = [observation(epoch=n, latency_us=2**62) for n in (1, 2, 3)]
    ingest(store, "x", log(rows=rows))

    for engine in (None, on_spark(spark)):
        with (
            Aggregation(store, [Selected(0, "x:1", "match")], engine=engine) as aggregation,
            pytest.raises(EvidenceError, match="too large to be added exactly"),
        ):
            aggregation.arms()
