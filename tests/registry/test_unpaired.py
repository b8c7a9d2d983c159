"""Two runs on different samples of one declared pool."""

import pytest
from scipy import stats as oracle

from mbe_docs.config import Policy
from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.evals import Observation
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.compare import Page, compare
from mbe_docs.registry.estimate import Measured, estimates
from mbe_docs.registry.subjects import Subjects
from tests import make


def compared(root, old, new, **measure):
    """Two subjects with these scores, every sample of its own; one attempt each."""
    store, entries, arms = EvidenceStore(root), [], []
    for number, (subject, scores) in enumerate((("atlas-1", old), ("atlas-2", new))):
        run = make.run(run_key=f"inspect:r{number}", model_requested=subject)
        rows = [
            Observation(
                run.run_key,
                f"{number}-{i}",
                f"{number}{i:031x}",
                1,
                "match",
                float(score),
                None,
                "scored",
                {},
            )
            for i, score in enumerate(scores)
        ]
        entry, _ = store.write_part(
            [run, *rows], source_sha256=f"{number:064x}", source_uri="r.eval", source_format="inspect"
        )
        entries.append(entry)
        arms.append(Arm("adds", subject, make.measure(**measure), (run,)))
    store.commit(entries)
    selection = [Selected(i, arm.runs[0].run_key, "match", 0.0, 0.0, 1.0) for i, arm in enumerate(arms)]
    with Aggregation(store, selection) as aggregation:
        latency = aggregation.latency()
        measured = Measured(
            tuple(arms), (None, None), aggregation.arms(), latency.quantile(0.5), latency.quantile(0.95)
        )
        pages = [Page("atlas-1", "atlas-2", ("adds",))]
        return compare(
            pages, measured, estimates(measured), Subjects([make.family()]), Policy(), aggregation=aggregation
        )[0][0]


def test_different_samples_of_a_declared_pool_are_compared_by_their_means(tmp_path):
    """Welch t with one pseudo-success and one pseudo-failure per arm (Agresti & Caffo 2000)."""
    old, new = [1] * 90 + [0] * 10, [1] * 60 + [0] * 40

    found = compared(tmp_path, old, new, pool=True)

    welch = oracle.ttest_ind([*new, 1, 0], [*old, 1, 0], equal_var=False)
    interval = welch.confidence_interval(0.95)
    assert (found.mode, found.verdict, found.n_common) == ("unpaired", "regressed", 0)
    assert found.difference.value == pytest.approx(-0.3)
    assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high))
    assert found.p_diff == pytest.approx(welch.pvalue)


def test_without_a_declared_pool_nothing_in_common_is_refused(tmp_path):
    """Other samples are another question until somebody says that they are not."""
    found = compared(tmp_path, [1] * 90 + [0] * 10, [1] * 60 + [0] * 40)

    assert (found.mode, found.verdict, found.difference) == (None, "refused", None)
    assert "no sample in common" in found.refused_because[0]
