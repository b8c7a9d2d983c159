"""The registry that ships with the project: what a stranger sees first is true."""

import html
import re
from functools import cache
from html.parser import HTMLParser

import pytest

from mbe_docs.project import Project

Q4, Q2 = "smollm2-135m-instruct-q4-1", "smollm2-135m-instruct-q2-k"


@pytest.fixture(scope="module")
def registry(own_project):
    return Project(own_project).registry()


def estimate(registry, behavior, subject):
    return next(e for e in registry.estimates if (e.behavior, e.subject) == (behavior, subject))


def comparison(registry, behavior, old, new):
    return next(c for c in registry.comparisons if (c.behavior, c.old, c.new) == (behavior, old, new))


def test_every_whole_task_estimate_is_the_accuracy_that_inspect_itself_reports(registry):
    """An independent tool computed these from the same samples and wrote them into the logs."""
    runs = {summary.run.run_key: summary.run for summary in registry.runs}
    measures = {behavior.id: behavior.measure for behavior in registry.behaviors}
    checked = 0
    for entry in registry.estimates:
        measure = measures[entry.behavior]
        if measure.where or entry.is_partial:
            continue
        reported = [
            metric.value
            for metric in runs[entry.runs[0]].reported
            if (metric.scorer, metric.metric) == (measure.scorer, "accuracy")
        ]
        assert len(entry.runs) == 1
        assert entry.rate.value == pytest.approx(reported[0], abs=1e-8), entry.behavior
        checked += 1

    assert checked == 5 + 5 + 4 + 3  # Q4_1, Q2_K, temperature 0, system prompt


def test_the_killed_run_is_nobodys_result(registry):
    """50 of 90 attempts of instruction following with a system prompt: no verdict, no sufficiency."""
    subject = f"{Q4}+system-prompt"
    half = estimate(registry, "instruction-following", subject)

    assert half.is_partial
    assert (half.outcomes.planned, half.outcomes.absent) == (90, 40)
    assert half.sufficiency == "undecided"
    assert comparison(registry, "instruction-following", Q4, subject).verdict == "refused"


def test_temperature_zero_never_flips_and_sampling_does(registry):
    """0 flaky samples at temperature 0; 12 of 20 JSON prompts flip at 0.8, as counted by hand in the logs."""
    cold = estimate(registry, "json-exact-object", f"{Q4}+t0").repeatability
    warm = estimate(registry, "json-exact-object", Q4).repeatability

    assert (cold.flaky_samples, cold.flake.value) == (0, 0.0)
    assert (warm.flaky_samples, warm.n_samples) == (12, 20)


def test_the_smaller_quantisation_is_shown_to_be_worse_at_json_and_arithmetic_only(registry):
    """Paired by prompt and corrected for nine tests; a better constraint score stays undecided."""
    verdicts = {c.behavior: c.verdict for c in registry.comparisons if (c.old, c.new) == (Q4, Q2)}

    worse = {name for name, verdict in verdicts.items() if verdict == "regressed"}
    assert worse == {"json-exact-object", "arithmetic-exact-answer", "arithmetic-answer-present"}
    assert {verdict for name, verdict in verdicts.items() if name not in worse} == {"inconclusive"}


def test_a_variant_is_compared_although_its_settings_differ(registry):
    """Temperature and system prompt are the things compared, not reasons to refuse."""
    for variant in (f"{Q4}+t0", f"{Q4}+system-prompt"):
        found = comparison(registry, "json-exact-object", Q4, variant)
        assert found.verdict == "inconclusive"
        assert found.mode == "paired"


def test_quirk_statuses_follow_the_interval(registry):
    """Affected where all of the interval satisfies the rule, unknown where it straddles it."""
    status = {(s.quirk, s.subject): s.status for s in registry.statements}

    assert status["writes-a-script-instead-of-json", Q2] == "affected"
    assert status["apology-counts-as-refusal", Q4] == "unknown"
    assert status["same-prompt-flips-between-attempts", Q4] == "affected"
    assert status["overruns-the-word-limit", Q4] == "affected"
    assert status["overruns-the-word-limit", Q2] == "unknown"


def test_the_only_finding_is_the_killed_run(own_project):
    """Notes are clean and every number in prose is what the evidence says."""
    assert [finding.code for finding in Project(own_project).check()] == ["MBE231"]


class _Page(HTMLParser):
    """The parts of a built page that accessibility rests on."""

    def __init__(self):
        super().__init__()
        self.ids, self.plots, self.inputs, self.labels, self.headers = [], [], [], set(), []
        self.depth = 0

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.depth += tag == "article"
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "svg" and "mbe-" in (found.get("class") or ""):
            self.plots.append(found)
        if tag == "input" and found.get("id", "").startswith("mbe-"):
            self.inputs.append(found["id"])
        if tag == "label" and "for" in found:
            self.labels.add(found["for"])
        if tag == "th" and "mbe" in str(found):
            self.headers.append(found)


@cache
def pages(site):
    return sorted(path for path in site.resolve().rglob("index.html"))


def test_every_plot_has_a_sentence_and_every_field_a_label(own_site):
    """Who cannot see a plot reads its numbers; who cannot see a field knows what it is for."""
    for path in pages(own_site):
        page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
        assert all(plot.get("role") == "img" and plot.get("aria-label") for plot in page.plots), path
        assert set(page.inputs) <= page.labels, path
        assert len(set(page.ids)) == len(page.ids), path


def test_no_value_is_printed_without_its_interval_and_its_samples(own_site):
    """A bare percentage is the thing this project exists against."""
    number = re.compile(
        r'<span class="mbe-number"><b>[^<]+</b> <span class="mbe-interval">\[[^<]+\]</span>(.*?)</span>'
    )
    seen = 0
    for path in pages(own_site):
        text = html.unescape(path.read_text(encoding="utf-8"))
        assert text.count('class="mbe-number"') == len(number.findall(text)), path
        seen += len(number.findall(text))

    assert seen > 300


def test_every_sample_said_to_have_moved_did_in_the_transcripts(own_project, registry):
    """The words of the scorer beside each reply, which no sum is made of: C for a pass, I for a failure."""
    store = Project(own_project).store
    scorers = {behavior.id: behavior.measure.scorer for behavior in registry.behaviors}

    def passes(runs, scorer, name):
        shown = [e for key in runs for e in store.excerpts(key, 5000) if e.sample_id == name]
        labels = [label for e in shown for name, label, _, _ in e.scores if name == scorer]
        assert set(labels) <= {"C", "I"}
        return labels.count("C"), len(labels)

    checked = 0
    for entry in registry.comparisons:
        for flip in entry.flipped_samples:
            scorer = scorers[entry.behavior]
            for runs, name, mean, attempts in (
                (entry.old_runs, flip.old_id, flip.old, flip.old_attempts),
                (entry.new_runs, flip.id, flip.new, flip.new_attempts),
            ):
                assert passes(runs, scorer, name) == (round(mean * attempts), attempts), flip
                checked += 1

    assert checked > 200


@pytest.mark.parametrize("behavior", ["json-exact-object", "instruction-following"])
def test_one_behavior_has_the_verdict_that_it_has_among_all(own_project, registry, behavior):
    """The family is fixed before anybody looks: on the command line, with --behavior, and on the site."""
    project = Project(own_project)

    (alone,) = project.diff(Q4, Q2, behaviors=[behavior]).comparisons
    (among,) = (c for c in project.diff(Q4, Q2).comparisons if c.behavior == behavior)

    assert alone == among == comparison(registry, behavior, Q4, Q2)
