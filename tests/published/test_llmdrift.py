"""How ChatGPT's behavior changed from March to June 2023 (arXiv 2307.09009), from its tables to our pages."""

from __future__ import annotations

import csv
import html
import re
from collections import defaultdict

import pytest
from scipy import stats as oracle

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.project import small
from tests.published.registries import MARKS, family, mapping, note, start
from tests.sources.test_tabular_published import DRIFT, PUBLISHED, VERSIONS, boxed, prime

pytestmark = MARKS

GPT4, GPT35 = VERSIONS[:2], VERSIONS[2:]
TASKS = {
    "PRIME_FULL_EVAL": "prime",
    "COUNTAHAPPYNUMBER_EVAL": "happy-numbers",
    "SENSITIVEQ_EVAL": "sensitive",
    "OPINIONQA_EVAL": "opinions",
    "LEETCODE_EASY_EVAL": "leetcode",
}
FENCES = ", stripped: {contains: {column: Clean_Code_Submit, text: Accepted}}"
"""The same answers with the code fences around them taken off: the table has what LeetCode said to both."""
REPEATED = {
    ("opinions", "gpt-4-0314"): "1506 rows ask 1498 questions: 97.6 of the rows, 97.7 of the questions",
    ("sensitive", "gpt-4-0314"): "100 rows ask 98 questions: 21.0 of the rows, 21.4 of the questions",
    ("sensitive", "gpt-4-0613"): "100 rows ask 98 questions: 5.0 of the rows, 5.1 of the questions",
    ("sensitive", "gpt-3.5-turbo-0613"): "100 rows ask 98 questions: 8.0 of the rows, 8.2 of the questions",
}
"""Figures that count a question twice that was asked twice. For us the question is the unit."""


def registry(root, *, asked):
    """The five tables in a project; `asked` are the columns that make up the question."""
    start(root)
    for table, task in TASKS.items():
        metric = PUBLISHED[table][0] + (FENCES if task == "leetcode" else "")
        text = DRIFT.replace('files: ["*_EVAL.csv"]', f"files: [{table}.csv]")
        text = text.replace("task: {column: dataset}", f"task: {task}")
        text = text.replace("input: [query]", f"input: {asked}").replace("metadata: [date]\n", "")
        text = text.replace(
            "metrics:\n  score: METRIC", f"slices: [ref_answer]\nmetrics: {{score: {metric}}}"
        )
        mapping(root, task, text)
    note(
        root,
        "prime",
        "prime",
        "score",
        "higher",
        title="Tells primes from composites",
        more="slices: [ref_answer]",
    )
    note(root, "happy-numbers", "happy-numbers", "score", "higher", title="Counts happy numbers")
    note(root, "sensitive", "sensitive", "score", "neither", title="Answers sensitive questions")
    note(root, "opinions", "opinions", "score", "higher", title="Offers an opinion")
    note(root, "leetcode", "leetcode", "score", "higher", title="Writes code that runs as it is")
    note(
        root,
        "leetcode-stripped",
        "leetcode",
        "stripped",
        "higher",
        title="Writes code that runs without fences",
    )
    family(root, "gpt-4", GPT4, prefix="openaichat/")
    family(root, "gpt-35-turbo", GPT35, prefix="openaichat/")
    tables = [str(PUBLISHED_DATA / "llmdrift" / "generation")]
    summary = Project(root).ingest(tables, scorers={"prime": prime, "boxed": boxed})
    assert (summary.count("read"), summary.count("refused")) == (5, 0), summary.findings
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The five tables, a question being its text."""
    return registry(tmp_path_factory.mktemp("drift") / "registry", asked="[query]")


@pytest.fixture(scope="module")
def estimates(root):
    """Estimates by behavior and model."""
    return {(entry.behavior, entry.subject): entry for entry in Project(root).registry().estimates}


@pytest.fixture(scope="module")
def comparisons(root):
    """Comparisons by behavior and older model."""
    return {(entry.behavior, entry.old): entry for entry in Project(root).registry().comparisons}


FIGURES = [
    (TASKS[table], version, figure)
    for table, (_, figures) in PUBLISHED.items()
    for version, figure in zip(VERSIONS, figures.split(), strict=True)
]


@pytest.mark.parametrize(("task", "version", "figure"), FIGURES)
def test_an_estimate_is_the_published_figure_to_the_printed_digit(estimates, task, version, figure):
    """But where a table asks one question twice and counts it twice: those, and only those, are listed."""
    estimate = estimates[task, version]

    is_equal = f"{100 * estimate.rate.value:.1f}" == figure
    assert is_equal is ((task, version) not in REPEATED)
    assert estimate.rate.low < estimate.rate.value < estimate.rate.high
    assert not estimate.is_partial


def test_all_twenty_figures_come_out_where_every_row_is_a_question(tmp_path):
    """With the id as part of the question, as upstream counts."""
    root = registry(tmp_path / "registry", asked="[id, query]")
    found = {(entry.behavior, entry.subject): entry for entry in Project(root).registry().estimates}

    assert {
        (task, version): f"{100 * found[task, version].rate.value:.1f}" for task, version, _ in FIGURES
    } == {(task, version): figure for task, version, figure in FIGURES}


@pytest.mark.parametrize("table", ["OPINIONQA_EVAL", "SENSITIVEQ_EVAL"])
def test_a_question_asked_twice_counts_once(estimates, table):
    """The mean over distinct questions of the mean over their rows, computed here from the table itself."""
    with (PUBLISHED_DATA / "llmdrift" / "generation" / f"{table}.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        rows = list(csv.DictReader(file))
    for version in VERSIONS:
        scores = defaultdict(list)
        for row in rows:
            if row["model"].endswith(version):
                scores[row["query"], row["ref_answer"]].append(upstream_score(table, row))
        expected = sum(sum(some) / len(some) for some in scores.values()) / len(scores)
        estimate = estimates[TASKS[table], version]

        assert estimate.rate.value == pytest.approx(expected, abs=1e-12)
        assert (estimate.n_samples, estimate.n_attempts) == (len(scores), sum(map(len, scores.values())))


def upstream_score(table, row):
    """A response to a sensitive question as people judged it; an opinion is a letter in brackets."""
    if table == "SENSITIVEQ_EVAL":
        return float(row["Response Rate"])
    return float(". Refused" not in row["answer"] and re.search(r"\([A-Z]\)", row["answer"]) is not None)


VERDICTS = {
    ("prime", "gpt-4-0314"): ("regressed", 147, 476),
    ("prime", "gpt-3.5-turbo-0301"): ("improved", 419, 153),
    ("happy-numbers", "gpt-4-0314"): ("regressed", 27, 269),
    ("happy-numbers", "gpt-3.5-turbo-0301"): ("improved", 158, 70),
    ("sensitive", "gpt-4-0314"): ("decreased", 0, 16),
    ("sensitive", "gpt-3.5-turbo-0301"): ("increased", 6, 0),
    ("opinions", "gpt-4-0314"): ("regressed", None, None),
    ("opinions", "gpt-3.5-turbo-0301"): ("unchanged", None, None),
    ("leetcode", "gpt-4-0314"): ("regressed", 2, 23),
    ("leetcode", "gpt-3.5-turbo-0301"): ("regressed", 0, 10),
    ("leetcode-stripped", "gpt-4-0314"): ("improved", None, None),
    ("leetcode-stripped", "gpt-3.5-turbo-0301"): ("inconclusive", None, None),
}
"""Verdict, pairs that went up and down as SOURCE.md counts them."""


@pytest.mark.parametrize(("pair", "expected"), VERDICTS.items(), ids=map(" ".join, VERDICTS))
def test_the_verdict_of_a_change(comparisons, pair, expected):
    """Worse, better, the same, or not known: each with the pairs that moved."""
    verdict, up, down = expected
    comparison = comparisons[pair]

    assert comparison.verdict == verdict
    assert comparison.mode == "paired"
    if up is not None:
        assert (comparison.n_better, comparison.n_worse) == (up, down)


def test_no_other_verdict_was_given(comparisons):
    """The table above is all there is."""
    assert comparisons.keys() == VERDICTS.keys()


def test_primes_collapsed_under_composites_that_improved(comparisons):
    """GPT-4 said "not prime" to everything in June: both halves moved far, in opposite directions."""
    comparison = comparisons["prime", "gpt-4-0314"]
    slices = {entry.value: entry for entry in comparison.slices}

    assert comparison.hidden_flip
    assert {value: entry.verdict for value, entry in slices.items()} == {"No": "improved", "yes": "regressed"}
    assert slices["yes"].new.value < 0.05 < 0.95 < slices["yes"].old.value
    assert slices["No"].old.value < 0.75 < 0.95 < slices["No"].new.value


def test_overwhelming_evidence_is_no_p_of_zero(comparisons):
    """476 pairs down and 147 up: the mid-p of that table, 42 digits small, as it is stored."""
    table = oracle.binom(476 + 147, 0.5)

    found = comparisons["prime", "gpt-4-0314"].p_diff

    assert found == pytest.approx(2 * table.cdf(147) - table.pmf(147), rel=1e-6)
    assert 1e-42 < found < 1e-40


def test_gpt_3_5_hid_the_opposite(comparisons):
    """Its mean went up while composites got worse."""
    comparison = comparisons["prime", "gpt-3.5-turbo-0301"]

    assert comparison.verdict == "improved"
    assert comparison.hidden_flip
    assert {entry.value: entry.verdict for entry in comparison.slices} == {
        "No": "regressed",
        "yes": "improved",
    }


def test_unchanged_was_shown_and_not_assumed(comparisons):
    """Two points up, and the whole interval inside the margin of five."""
    comparison = comparisons["opinions", "gpt-3.5-turbo-0301"]

    assert -0.05 < comparison.difference.low < comparison.difference.high < 0.05
    assert comparison.q_equivalent <= 0.05


def test_undecided_says_how_many_would_decide(comparisons):
    """Fifty problems cannot show that code without fences stayed the same."""
    comparison = comparisons["leetcode-stripped", "gpt-3.5-turbo-0301"]

    assert comparison.difference.low < -0.05 < 0.05 < comparison.difference.high
    assert comparison.n_needed > 50


def test_the_gate_fails_on_the_upgrade_of_gpt_4(root):
    """`mbe-docs diff` exits with 1, says the flip, and names both halves."""
    done = small.run("diff", *GPT4, cwd=root)
    shown = done.stdout.decode("utf-8")

    assert (done.returncode, done.stderr) == (1, b"")
    assert "moved in opposite directions" in shown
    assert "ref_answer=No: better" in shown
    assert "ref_answer=yes: worse" in shown


@pytest.fixture(scope="module")
def site(root):
    """The site with its diff pages."""
    assert Project(root).build().published
    return root / "site"


def words(path):
    """The text of a page, without marks and with single spaces."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8")))
    return " ".join(text.split())


def diff_page(site, old, new):
    """The text of the page that compares two models, found by its title."""
    (page,) = (
        text
        for path in sorted((site / "diffs").glob("*/index.html"))
        if (text := words(path)).count(f"{old} → {new}") > 1
    )
    return page


def test_the_page_of_gpt_4_says_what_happened(site):
    """Headline, the flip under the mean with both halves, and each verdict in a word."""
    page = diff_page(site, *GPT4)

    assert "Hidden by the mean." in page
    assert re.search(
        r"Tells primes from composites ?: ref_answer No . ?better \+29 pts, ref_answer yes . ?worse −95 pts",
        page,
    )
    for heading in ("Worse", "Better", "Went down"):
        assert heading in page
    for title in ("Counts happy numbers", "Offers an opinion", "Writes code that runs as it is"):
        assert title in page


def test_the_page_of_gpt_3_5_says_what_did_not(site):
    """An unchanged behavior and an undecided one are two things."""
    page = diff_page(site, *GPT35)

    assert "unchanged: “Offers an opinion”" in page
    assert "undecided: “Writes code that runs without fences”" in page
    assert "Shown, not assumed: the whole interval lies inside the margin" in page
    assert "“Undecided” is not “fine”" in page
    assert "Hidden by the mean." in page
