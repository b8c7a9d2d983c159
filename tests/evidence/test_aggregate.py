"""The SQL against loops over rows: equal to the last bit."""

from __future__ import annotations

import math
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbe_docs import stats
from mbe_docs.errors import EvidenceError
from mbe_docs.evidence import sql
from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.run_counts import run_counts
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.evidence.sums import RateSums, floats
from mbe_docs.records.evals import Observation
from tests import make
from tests.evidence import naive
from tests.evidence.logs import ingest, observation

RUNS = ("x:1", "x:2", "x:3", "x:4")
OUTCOMES = ("scored", "unscored", "refused", "limited", "model_error", "infra_error")
GRADES = (0.0, 1.0, 0.5, 0.25, 0.333, 0.1, 0.999)


@st.composite
def observations(draw: st.DrawFn) -> list[Observation]:
    """Up to 120 attempts, close enough together that samples, clusters and slices meet.

    Hypothesis chooses the shape of a log (how often it is scored, repeated, two-valued, grouped) and a source
    of chance for its rows: single draws would leave most logs almost empty.
    """
    values = draw(
        st.sampled_from([(0.0, 1.0), (0.0, 1.0), GRADES, (*GRADES, -3.0, 2.5, 2.6, -3.1, 1e9, 12345.678)])
    )
    samples = draw(st.sampled_from(["ab", "abcde", "abcdefghijkl"]))
    scored = draw(st.sampled_from([1.0, 0.9, 0.5]))
    grouped = draw(st.sampled_from([0.0, 0.3, 1.0]))
    chance = draw(st.randoms(use_true_random=False))
    return [
        _row(chance, values, samples, scored, grouped) for _ in range(draw(st.sampled_from([0, 6, 30, 120])))
    ]


def _row(
    chance: random.Random, values: Sequence[float], samples: str, scored: float, grouped: float
) -> Observation:
    run, sample = chance.choice(RUNS), chance.choice(samples)
    value = chance.choice(values) if chance.random() < scored else None
    outcomes = OUTCOMES[1:] if value is None else chance.choice([OUTCOMES, ("scored",)])
    texts = ["", "a", "a", "b", "ü'\""]
    metadata = {key: chance.choice(texts) for key in ("topic", "passage") if chance.random() < grouped}
    used = {name: chance.choice([None, 0, chance.randrange(10**9)]) for name in naive.MEASURED}
    return observation(
        run,
        sample,
        value,
        sample_id=f"{sample}-{run[-1]}{chance.randrange(2)}",
        scorer=chance.choice(["match", "match", "match", "judge"]),
        outcome=chance.choice(outcomes),
        metadata=metadata,
        **used,
    )


@st.composite
def selections(draw: st.DrawFn) -> list[Selected]:
    """Arms of one to three runs, mostly alike, so that they can be compared."""
    found = []
    shared_scale = draw(st.sampled_from([(0.0, 1.0), (0.0, 1.0), (None, None), (-3.0, 2.5)]))
    shared_cluster, shared_slice = (
        draw(st.sampled_from([None, "passage"])),
        draw(st.sampled_from([None, "topic"])),
    )
    for arm in draw(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True)):
        lowest, highest = draw(st.sampled_from([shared_scale, shared_scale, (0.0, 1.0)]))
        failure = draw(st.sampled_from([lowest, lowest, highest, None, 0.25]))
        cluster = draw(st.sampled_from([shared_cluster, shared_cluster, None]))
        slice_key = draw(st.sampled_from([shared_slice, shared_slice, None]))
        where = draw(st.sampled_from([(), (), (), (("passage", "a"),), (("passage", "a"), ("topic", "b"))]))
        scorer = draw(st.sampled_from(["match", "match", "judge"]))
        for run in draw(st.lists(st.sampled_from(RUNS), min_size=1, max_size=3, unique=True)):
            found.append(Selected(arm, run, scorer, failure, lowest, highest, cluster, slice_key, where))
    return found


@contextmanager
def stored(rows: Sequence[Observation], *, parts: int = 2) -> Iterator[EvidenceStore]:
    """A store with these rows, their runs spread over some logs."""
    with tempfile.TemporaryDirectory() as folder:
        store = EvidenceStore(Path(folder))
        for part in range(parts):
            runs = [key for i, key in enumerate(RUNS) if i % parts == part]
            ingest(
                store,
                str(part),
                [*(make.run(run_key=k) for k in runs), *(r for r in rows if r.run_key in runs)],
            )
        yield store


def aggregated(rows: Sequence[Observation], selection: Sequence[Selected], **how: Any) -> dict[str, Any]:
    """Every result there is, for every pair of arms that can be compared."""
    pairs = comparable(selection)
    with (
        stored(rows, parts=how.pop("parts", 2)) as store,
        Aggregation(store, selection, **how) as aggregation,
    ):
        return {
            "arms": aggregation.arms(),
            "pairs": aggregation.pairs(pairs),
            "usage": aggregation.pair_usage(pairs),
            "flipped": aggregation.flipped(pairs, 3),
            "flaky": aggregation.flaky(pairs, 3),
            "latency": aggregation.latency(),
        }


def comparable(selection: Sequence[Selected]) -> list[tuple[int, int]]:
    """All pairs of arms, both cut into slices or neither."""
    is_cut = {row.arm: row.slice_key is not None for row in selection}
    return [(old, new) for old in is_cut for new in is_cut if is_cut[old] == is_cut[new]]


def same(one: Any, two: Any) -> bool:
    """Equal to the bit, through records, tuples and arrays."""
    if is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(two, f.name)) for f in fields(one))
    if isinstance(one, np.ndarray):
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


@settings(max_examples=40, deadline=None)
@given(observations(), selections())
def test_arm_sums_are_those_of_a_loop_over_rows(rows, selection):
    """All readings, outcomes, clusters, slices, conditions, and resources used."""
    expected = naive.entries_of(rows, selection)
    by_arm = {row.arm: row for row in selection}

    with stored(rows) as store, Aggregation(store, selection) as aggregation:
        arms = aggregation.arms()

    assert list(zip(arms.arm.tolist(), arms.slice_value, strict=True)) == list(expected)
    assert arms.position == {key: i for i, key in enumerate(expected)}
    for i, ((arm, _), mine) in enumerate(expected.items()):
        wanted = naive.arm_sums(mine, by_arm[arm])
        for reading in (*naive.READINGS, "flake"):
            found = {name: column[i] for name, column in getattr(arms, reading).columns().items()}
            assert found == wanted[reading], reading
        for name in ("flaky_samples", "is_binary", "is_flake_binary", "seen", "attempts", "off_scale"):
            assert getattr(arms, name)[i] == wanted[name], name
        assert {name: counts[i] for name, counts in arms.outcomes.items()} == wanted["outcomes"]
        assert {name: (used.attempts[i], used.total[i]) for name, used in arms.used.items()} == wanted["used"]


@settings(max_examples=40, deadline=None)
@given(observations(), selections())
def test_pair_sums_are_those_of_a_loop_over_rows(rows, selection):
    """Under both readings, slice by slice, with the clusters of the old side first."""
    entries = naive.entries_of(rows, selection)
    by_arm = {row.arm: row for row in selection}
    cells = {key: naive.cells_of(mine, by_arm[key[0]]) for key, mine in entries.items()}
    pairs = comparable(selection)

    with stored(rows) as store, Aggregation(store, selection) as aggregation:
        arms, found = aggregation.arms(), aggregation.pairs(pairs)

    keys = found.keys
    expected = [
        (pair, value, entry, (new, value))
        for pair, (old, new) in enumerate(pairs)
        for entry in entries
        if entry[0] == old and (new, value := entry[1]) in entries
    ]
    items = zip(keys.pair.tolist(), keys.slice_value, keys.old.tolist(), keys.new.tolist(), strict=True)
    assert [(p, v, arms.position[old], arms.position[new]) for p, v, old, new in expected] == list(items)
    for i, (_, _, old, new) in enumerate(expected):
        for reading in ("primary", "strict"):
            means = [
                {sample: naive.mean_of(cell[reading]) for sample, cell in cells[side].items()}
                for side in (old, new)
            ]
            wanted = naive.change_sums(cells[old], cells[new], *means)
            got = {name: column[i] for name, column in getattr(found, reading).columns().items()}
            is_single = got.pop("is_single")
            assert got == wanted, reading
            common = [s for s in means[0] if means[0][s] is not None and means[1].get(s) is not None]
            assert is_single == (
                arms.is_binary[keys.old[i]]
                and arms.is_binary[keys.new[i]]
                and wanted["clusters"] == wanted["samples"]
                and all(len(cells[side][s][reading]) == 1 for side in (old, new) for s in common)
            )
        assert found.samples_old[i] == arms.primary.samples[keys.old[i]]
        assert found.samples_new[i] == arms.primary.samples[keys.new[i]]


@settings(max_examples=10, deadline=None)
@given(observations(), selections())
def test_latency_and_cost_of_pairs_are_those_of_a_loop_over_rows(rows, selection):
    """Costs to the nano-USD; logarithms to their last place in nano units."""
    entries = naive.entries_of(rows, selection)
    by_arm = {row.arm: row for row in selection}
    pairs = comparable(selection)

    with stored(rows) as store, Aggregation(store, selection) as aggregation:
        found, arms = aggregation.pair_usage(pairs), aggregation.arms()

    names = [key for key, _ in sorted(arms.position.items(), key=lambda item: item[1])]
    for i, (old, new) in enumerate(zip(found.keys.old, found.keys.new, strict=True)):
        sides = [_usage(entries[names[side]]) for side in (old, new)]
        cells = [naive.cells_of(entries[names[side]], by_arm[names[side][0]]) for side in (old, new)]
        costs = [
            (sides[0][s][1], sides[1][s][1])
            for s in sides[0].keys() & sides[1].keys()
            if sides[0][s][1] is not None and sides[1][s][1] is not None
        ]
        got = {name: column[i] for name, column in found.cost.columns().items()}
        assert got == {
            "samples": len(costs),
            "old": sum(a for a, _ in costs),
            "new": sum(b for _, b in costs),
            "old_sq": naive.as_float(sum(a * a for a, _ in costs)),
            "new_sq": naive.as_float(sum(b * b for _, b in costs)),
            "old_new": naive.as_float(sum(a * b for a, b in costs)),
        }
        logs = [{sample: usage[0] for sample, usage in side.items()} for side in sides]
        wanted = naive.change_sums(*cells, *logs)
        for name in ("clusters", "samples", "change", "change_sq", "change_n", "n_sq"):
            assert getattr(found.log_latency, name)[i] == pytest.approx(wanted[name], rel=1e-9, abs=1e-7), (
                name
            )


def _usage(rows: Sequence[Observation]) -> dict[str, tuple[int | None, int | None]]:
    """Mean log latency and mean cost of each sample."""
    logs: dict[str, list[int]] = {row.input_hash: [] for row in rows}
    costs: dict[str, list[int]] = {row.input_hash: [] for row in rows}
    for row in rows:
        if row.latency_us and row.outcome != "infra_error":
            logs[row.input_hash].append(naive.rounded(math.log(row.latency_us) * 1e9))
        if row.cost_nusd is not None:
            costs[row.input_hash].append(row.cost_nusd)
    return {sample: (naive.mean_of(logs[sample]), naive.mean_of(costs[sample])) for sample in logs}


@settings(max_examples=8, deadline=None)
@given(observations(), selections(), st.randoms(use_true_random=False))
def test_neither_threads_nor_order_nor_files_change_a_bit(rows, selection, shuffle: random.Random):
    """The same evidence gives the same numbers on every machine."""
    one = aggregated(rows, selection, threads=1)
    mixed = list(rows)
    shuffle.shuffle(mixed)

    two = aggregated(mixed, selection, threads=4, parts=4)

    assert same(one, two)


def many(n: int = 60_000) -> list[Observation]:
    """Rows for several row groups, with values that do not add up exactly as doubles."""
    return [
        observation(
            RUNS[i % 4],
            str(i % 997),
            (i * 7919 % 1000) / 999,
            latency_us=1000 + i * i % 999_983,
            cost_nusd=i % 101,
        )
        for i in range(n)
    ]


def test_much_evidence_gives_the_same_bits_on_any_number_of_threads():
    """Where DuckDB does divide the work."""
    rows = many()
    selection = [Selected(i, key, "match", 0.0, 0.0, 1.0) for i, key in enumerate(RUNS)]

    results = [aggregated(rows, selection, threads=threads) for threads in (1, 2, 7)]

    assert same(results[0], results[1])
    assert same(results[0], results[2])


def test_evidence_beyond_the_memory_limit_goes_through_the_temporary_folder():
    """And gives the same numbers; nothing is left of the folder."""
    rows = many(20_000)
    selection = [Selected(i, key, "match", 0.0, 0.0, 1.0) for i, key in enumerate(RUNS)]

    assert same(aggregated(rows, selection), aggregated(rows, selection, memory_limit="60MB", threads=1))


@settings(max_examples=10, deadline=None)
@given(observations(), selections())
def test_flipped_samples_are_those_that_moved_most(rows, selection):
    """Down, then up; in each direction the largest difference first, then by id. With both names and attempts."""
    entries = naive.entries_of(rows, selection)
    by_arm = {row.arm: row for row in selection}
    pairs = comparable(selection)

    with stored(rows) as store, Aggregation(store, selection) as aggregation:
        (keys, found), arms = aggregation.flipped(pairs, 3), aggregation.arms()

    names = [key for key, _ in sorted(arms.position.items(), key=lambda item: item[1])]
    for i, (old, new) in enumerate(zip(keys.old, keys.new, strict=True)):
        cells = [naive.cells_of(entries[names[side]], by_arm[names[side][0]]) for side in (old, new)]
        moved = {False: [], True: []}
        for sample in cells[0].keys() & cells[1].keys():
            scores = [side[sample]["primary"] for side in cells]
            before, after = map(naive.mean_of, scores)
            if before is not None and after is not None and before != after:
                old_id, new_id = (min(side[sample]["ids"]) for side in cells)
                tries = (len(scores[0]), len(scores[1]))
                moved[after > before].append(
                    (-abs(after - before), new_id, sample, old_id, before / 1e9, after / 1e9, *tries)
                )
        wanted = [row[1:] for is_up in (False, True) for row in sorted(moved[is_up])[:3]]
        assert [
            (f.sample_id, f.input_hash, f.old_id, f.old, f.new, f.old_attempts, f.new_attempts)
            for f in found[i]
        ] == wanted


@settings(max_examples=10, deadline=None)
@given(observations(), selections())
def test_flaky_samples_are_those_whose_attempts_differ(rows, selection):
    """On either side, in more than a billionth of the scale; those of both sides first, then by id."""
    entries = naive.entries_of(rows, selection)
    by_arm = {row.arm: row for row in selection}
    pairs = comparable(selection)

    with stored(rows) as store, Aggregation(store, selection) as aggregation:
        (keys, found), arms = aggregation.flaky(pairs, 2), aggregation.arms()

    names = [key for key, _ in sorted(arms.position.items(), key=lambda item: item[1])]
    for i, sides in enumerate(zip(keys.old, keys.new, strict=True)):
        ids, times = {}, Counter()
        for side in sides:
            arm = by_arm[names[side][0]]
            for sample, cell in naive.cells_of(entries[names[side]], arm).items():
                if arm.highest is not None and len(set(cell["primary"])) > 1:
                    times[sample] += 1
                    ids[sample] = min(cell["ids"])  # the new side is looked at last
        wanted = sorted(ids, key=lambda sample: (-times[sample], ids[sample], sample))
        assert (found[i].count, found[i].sample_ids) == (len(ids), tuple(ids[name] for name in wanted[:2]))


@settings(max_examples=10, deadline=None)
@given(observations(), selections())
def test_latency_quantiles_are_those_of_the_statistics(rows, selection):
    """All entries at once, as `stats.histogram_quantile` has each; within a bin of the exact ones."""
    entries = naive.entries_of(rows, selection)

    with stored(rows) as store, Aggregation(store, selection) as aggregation:
        found = aggregation.latency()

    p95 = found.quantile(0.95)
    for i, mine in enumerate(entries.values()):
        exact = [r.latency_us for r in mine if r.latency_us is not None and r.outcome != "infra_error"]
        counts = found.counts(i)
        edges = found.edges
        assert counts.tolist() == np.histogram(exact, edges)[0].tolist()
        if exact:
            assert p95[i] == pytest.approx(stats.histogram_quantile(edges, counts, 0.95).value, rel=1e-12)
            assert p95[i] == pytest.approx(np.quantile(exact, 0.95), rel=1 / 16, abs=1)
        else:
            assert np.isnan(p95[i])


@pytest.mark.parametrize(
    "latency", [0, 1, 2, 3, 15, 16, 17, 2**20 - 1, 2**20, 2**20 + 1, 2**47, 2**48 - 1, 2**48]
)
def test_a_latency_falls_into_the_bin_that_holds_it(latency):
    """At both ends of every kind of bin."""
    rows = [observation("x:1", latency_us=latency)]

    found = aggregated(rows, [Selected(0, "x:1", "match")])["latency"]

    assert found.edges[found.bin[0]] <= latency < found.edges[found.bin[0] + 1]


def test_sums_go_straight_into_the_statistics():
    """The same fields under the same names."""
    rows = [observation("x:1", s, v) for s, v in [("a", 1.0), ("b", 0.0), ("c", 1.0)]]
    rows += [observation("x:2", s, v) for s, v in [("a", 1.0), ("b", 1.0), ("c", 0.0)]]
    selection = [Selected(i, f"x:{i + 1}", "match", 0.0, 0.0, 1.0) for i in range(2)]

    results = aggregated(rows, selection)

    pairs = results["pairs"]
    at = pairs.keys.pair.tolist().index(comparable(selection).index((0, 1)))
    assert (
        stats.rate_interval(stats.RateSums(**results["arms"].primary.columns()), binary=True).value[0]
        == 2 / 3
    )
    assert stats.paired_difference(stats.PairSums(**pairs.primary.columns())).diff[at] == 0
    assert pairs.primary.is_single[at]
    assert stats.latency_ratio(stats.PairSums(**results["usage"].log_latency.columns())).ratio.size == 4
    assert stats.cost_ratio(stats.CostSums(**results["usage"].cost.columns())).ratio.size == 4


def test_an_even_split_of_three_attempts_cancels_within_a_cluster():
    """1/3 + 1/3 + 1/3 - 1 is 0, though each third is rounded to nano units."""
    third = [observation("x:1", s, v, metadata={"p": "1"}) for s in "abc" for v in (1.0, 0.0, 0.0)]
    whole = [observation("x:2", s, v, metadata={"p": "1"}) for s, v in [("a", 1.0), ("b", 0.0), ("c", 0.0)]]
    selection = [Selected(i, f"x:{i + 1}", "match", 0.0, 0.0, 1.0, "p") for i in range(2)]

    sums = aggregated([*third, *whole], selection)["pairs"]

    at = sums.keys.pair.tolist().index(comparable(selection).index((0, 1)))
    assert (sums.primary.samples[at], sums.primary.clusters[at], sums.primary.moved[at]) == (3, 1, 0)


def pair_of(rows: Sequence[Observation], cluster_key: str | None = None) -> Any:
    """The primary sums of run x:2 against run x:1, two-valued, as one record of plain numbers."""
    selection = [Selected(i, f"x:{i + 1}", "match", 0.0, 0.0, 1.0, cluster_key) for i in range(2)]
    with stored(rows) as store, Aggregation(store, selection) as aggregation:
        columns = aggregation.pairs([(0, 1)]).primary.columns()
    return {name: column[0].item() for name, column in columns.items()}


def test_a_sample_whose_cluster_changed_is_in_that_of_the_old_side():
    """Together on the old side, apart on the new."""
    rows = [observation("x:1", s, 0.0, metadata={"p": "same"}) for s in "ab"]
    rows += [observation("x:2", s, 1.0, metadata={"p": s}) for s in "ab"]

    assert (pair_of(rows, "p")["clusters"], pair_of(rows)["clusters"]) == (1, 2)


def test_a_sample_that_only_the_new_side_puts_in_a_cluster_is_in_it():
    """Some of what was said is better than none."""
    rows = [observation("x:1", s, 0.0) for s in "ab"]
    rows += [observation("x:2", s, 1.0, metadata={"p": "same"}) for s in "ab"]

    assert pair_of(rows, "p")["clusters"] == 1


@pytest.mark.parametrize(
    ("change", "is_single"),
    [({}, True), ({"epoch": 2}, False), ({"sample": "b"}, True), ({"sample": "b", "value": 0.5}, False)],
)
def test_mcnemar_holds_for_single_two_valued_attempts_only(change, is_single):
    """A second attempt or a grade on either side takes the comparison to cluster t."""
    rows = [observation(run, "a", 1.0) for run in ("x:1", "x:2")]
    if change:
        rows += [observation("x:1", **change)]

    assert pair_of(rows)["is_single"] is is_single


def test_mcnemar_does_not_hold_for_grouped_samples():
    """They are not independent."""
    rows = [observation(run, s, 1.0, metadata={"p": "same"}) for run in ("x:1", "x:2") for s in "ab"]

    assert (pair_of(rows)["is_single"], pair_of(rows, "p")["is_single"]) == (True, False)


@pytest.mark.parametrize(("attempts", "is_binary"), [(1, True), (2, True), (3, False)])
def test_a_flake_is_two_valued_for_two_attempts_only(attempts, is_binary):
    """Of three attempts, 2/3 of the pairs may differ."""
    rows = [observation("x:1", "a", float(i % 2), epoch=i) for i in range(attempts)]

    arms = aggregated(rows, [Selected(0, "x:1", "match", 0.0, 0.0, 1.0)])["arms"]

    assert arms.is_flake_binary.tolist() == [is_binary]


def test_equal_prompts_of_one_run_pool_as_attempts():
    """Samples match by what they ask, not by their id."""
    rows = [observation("x:1", "a", 1.0, sample_id="1"), observation("x:1", "a", 0.0, sample_id="2")]

    sums = aggregated(rows, [Selected(0, "x:1", "match")])["arms"].primary

    assert (sums.samples[0], sums.attempts[0], sums.total[0]) == (1, 2, 0.5)


def test_an_arm_without_attempts_is_there_with_zeros():
    """It was planned, and nothing came."""
    arms = aggregated([], [Selected(4, "x:1", "match")])["arms"]

    assert (arms.arm.tolist(), arms.attempts.tolist(), arms.primary.samples.tolist()) == ([4], [0], [0.0])


def test_no_selection_gives_no_entries(tmp_path):
    """A project without behaviors."""
    with Aggregation(EvidenceStore(tmp_path), []) as aggregation:
        assert aggregation.arms().arm.size == 0
        assert aggregation.pairs([]).keys.pair.size == 0
        assert aggregation.latency().quantile(0.5).size == 0


def test_a_run_that_is_not_in_the_store_is_an_error(tmp_path):
    """With what to do."""
    with pytest.raises(EvidenceError, match="no log in the evidence store states the run 'x:9'"):
        Aggregation(EvidenceStore(tmp_path), [Selected(0, "x:9", "match")])


def test_scores_too_large_to_add_are_an_error():
    """Never a wrapped sum."""
    rows = [observation("x:1", str(i), 9.9e7) for i in range(30_000)]

    with pytest.raises(EvidenceError, match="too large to be added exactly"):
        aggregated(rows, [Selected(0, "x:1", "match")])


def test_a_part_that_disappears_while_it_is_read_is_an_error():
    """Not a trace."""
    with stored([]) as store, Aggregation(store, [Selected(0, "x:1", "match")]) as aggregation:
        for entry in store.list():
            store.part_path(entry).unlink()

        with pytest.raises(EvidenceError, match="cannot be aggregated"):
            aggregation.arms()


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([Selected(0, "x:1", "match"), Selected(0, "x:1", "judge")], "counts the run 'x:1' twice"),
        (
            [Selected(0, "x:1", "match"), Selected(0, "x:2", "match", 0.0)],
            "differ in more than run and scorer",
        ),
        ([Selected(0, "x:1", "match", lowest=0.0)], "both ends"),
        ([Selected(0, "x:1", "match", lowest=1.0, highest=1.0)], "highest score above its lowest"),
        ([Selected(0, "x:1", "match", 2.0, 0.0, 1.0)], "off the scale"),
        ([Selected(0, "x:1", "match", float("nan"))], "cannot be summed"),
        ([Selected(0, "x:1", "match", None, 0.0, 1e8)], "cannot be summed"),
        ([Selected(0, "x:1", "match", where=(("k", "v"),) * (sql.CONDITIONS + 1))], "conditions"),
    ],
)
def test_a_selection_that_contradicts_itself_is_refused(tmp_path, rows, problem):
    """Before anything is read."""
    with pytest.raises(ValueError, match=problem):
        Aggregation(EvidenceStore(tmp_path), rows)


@pytest.mark.parametrize(("pair", "problem"), [((0, 7), "arm 7 is not"), ((0, 1), "only one is cut")])
def test_a_pair_that_cannot_be_compared_is_refused(pair, problem):
    """An arm that is not there, or one whole against one in slices."""
    selection = [Selected(0, "x:1", "match"), Selected(1, "x:2", "match", slice_key="topic")]
    with (
        stored([]) as store,
        Aggregation(store, selection) as aggregation,
        pytest.raises(ValueError, match=problem),
    ):
        aggregation.pairs([pair])


def test_runs_are_counted_once_however_many_scorers_judged_them():
    """Attempts and samples of each run, as the log has them."""
    rows = [observation("x:1", s, 1.0, scorer=scorer) for s in "ab" for scorer in ("match", "judge")]
    rows.append(observation("x:1", "b", None, scorer="judge", outcome="infra_error"))

    with stored(rows) as store:
        counts = run_counts(store, ["x:1", "x:2"])

    assert (counts["x:1"].samples, counts["x:1"].attempts, counts["x:2"].attempts) == (2, 3, 0)
    assert counts["x:1"].values == {"match": 2, "judge": 2}


def test_runs_that_share_a_log_are_counted_apart():
    """Those not asked for are not counted."""
    rows = [observation(run, s) for run in RUNS for s in "ab"]

    with stored(rows, parts=1) as store:
        counts = run_counts(store, ["x:3"])

    assert {key: (found.samples, found.attempts) for key, found in counts.items()} == {"x:3": (2, 2)}


@given(st.lists(st.integers(-(10**37), 10**37) | st.integers(-(2**65), 2**65) | st.integers(-9, 9)))
def test_whole_numbers_become_doubles_right_to_the_last_place_but_one(values):
    """Decimal columns of any size and sign, and the same for a part of a column."""
    column = pa.chunked_array([pa.array(values, pa.decimal128(38, 0))])

    found = floats(column)

    assert all(abs(got - exact) <= math.ulp(float(exact)) for got, exact in zip(found, values, strict=True))
    assert found.tolist() == [naive.as_float(value) for value in values]
    assert floats(column.slice(1)).tolist() == found[1:].tolist()


def test_fields_of_sums_are_those_of_the_statistics():
    """The two packages may not import each other; this holds them together."""
    assert [f.name for f in fields(RateSums)] == [f.name for f in fields(stats.RateSums)]
    for mine, theirs in [("ChangeSums", "PairSums"), ("CostSums", "CostSums")]:
        ours = __import__("mbe_docs.evidence.sums", fromlist=[mine])
        assert [f.name for f in fields(getattr(ours, mine))] == [
            f.name for f in fields(getattr(stats, theirs))
        ]
