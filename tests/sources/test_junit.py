"""JUnit XML reports about a model."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings

from mbe_docs.errors import SourceError
from mbe_docs.sources.interface import LogFile, Settings
from mbe_docs.sources.junit import SOURCE
from tests.sources.lm_eval_read import LOGS, SHARED, Read, check, torn

PYTEST = LOGS / "junit" / "pytest.xml"
REPEATS = LOGS / "junit" / "repeats.xml"
BOUNDED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MODEL = '<properties><property name="model" value="acme/atlas-1"/></properties>'


def report(tmp_path, cases, *, properties=MODEL, suite='name="s"', before="", encoding="utf-8"):
    """What is read from a report with one suite."""
    path = tmp_path / "report.xml"
    path.write_bytes(f"{before}<testsuite {suite}>{properties}{cases}</testsuite>".encode(encoding))
    return Read(SOURCE, path)


def test_verdicts_of_pytest():
    """A real report of pytest 9: every way in which a test can end."""
    read = Read(SOURCE, PYTEST)

    assert {
        one.sample_id.split("::")[1]: (one.value, one.label, one.outcome) for one in read.observations
    } == {
        "test_capital": (1.0, "passed", "scored"),
        "test_sum": (0.0, "failed", "scored"),
        "test_skipped": (None, "skipped", "unscored"),
        "test_json": (0.0, "xfail", "scored"),
        "test_json_now_passes": (1.0, "xpass", "scored"),
        "test_loose_xpass": (1.0, "passed", "scored"),
        "test_not_run": (None, "xfail", "unscored"),
        "test_teardown": (0.0, "failed", "scored"),
        "test_teardown_ok": (None, "error", "infra_error"),
        "test_setup": (None, "error", "infra_error"),
    }


def test_the_header_of_pytest():
    """Model and settings are properties of the suite; sums are reported."""
    run = Read(SOURCE, PYTEST).run

    assert (run.task, run.model_requested, run.generation_params) == (
        "pytest",
        "acme/atlas-1",
        {"temperature": 0.2},
    )
    assert run.started_at == "2026-11-24T00:17:41.706127+00:00"
    assert {(one.metric, one.value) for one in run.reported} == {
        ("tests", 11.0),
        ("failures", 3.0),
        ("errors", 3.0),
        ("skipped", 3.0),
    }


def test_a_clean_up_that_failed_is_not_a_second_attempt():
    """pytest writes a second case for it, with the same name."""
    read = Read(SOURCE, PYTEST)

    assert {one.epoch for one in read.observations} == {1}
    assert "test_teardown" in read.finding("MBE216").problem


def test_properties_of_a_case_are_its_metadata():
    """`record_property` in pytest."""
    capital = Read(SOURCE, PYTEST).observations[0]

    assert (capital.metadata, capital.latency_us) == ({"topic": "geography"}, 4_000)


def test_duplicates_are_epochs():
    """The same class and name three times is a test that was repeated."""
    read = Read(SOURCE, REPEATS)

    assert [(one.epoch, one.value) for one in read.observations if one.sample_id == "geo::france"] == [
        (1, 1.0),
        (2, 0.0),
        (3, 1.0),
    ]
    assert (read.run.epochs, read.run.samples_planned) == (3, 3)


def test_snapshot_and_version_are_properties_and_credentials_are_not_kept():
    """Build tools write every system property into the report."""
    run = Read(SOURCE, REPEATS).run

    assert (run.models_resolved, run.task_version, run.task) == (("atlas-1-2026-10-01",), "2", "capitals")
    assert run.metadata == {}


def test_a_report_without_a_model_is_refused_with_a_fix(tmp_path):
    """The fix says how pytest writes the property."""
    with pytest.raises(SourceError, match="does not say which model") as caught:
        report(tmp_path, '<testcase name="a"/>', properties="")

    assert "record_testsuite_property" in str(caught.value.fix)


def test_cases_without_a_model_are_findings_where_others_have_one(tmp_path):
    """Properties of a case win over those of its suite."""
    read = report(tmp_path, f'<testcase name="a">{MODEL}</testcase><testcase name="b"/>', properties="")

    assert [one.sample_id for one in read.observations] == ["a"]
    assert "'b'" in read.finding("MBE210").problem


def test_properties_behind_the_cases_count_too(tmp_path):
    """The order is the writer's choice."""
    read = report(tmp_path, f'<testcase name="a"/>{MODEL}', properties="")

    assert read.run.model_requested == "acme/atlas-1"


def test_inner_suites_inherit_from_outer_ones(tmp_path):
    """Models and names; each inner suite is a run of its own."""
    inner = '<testsuite name="x"><testcase name="a"/></testsuite><testsuite name="y"><testcase name="a"/></testsuite>'

    read = report(tmp_path, inner)

    assert {run.task: run.model_requested for run in read.runs} == {"x": "acme/atlas-1", "y": "acme/atlas-1"}
    assert {one.epoch for one in read.observations} == {1}


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ('<skipped message="expected test failure"/>', (0.0, "xfail", "scored")),
        ('<skipped message="xfail-marked test passes unexpectedly"/>', (1.0, "xpass", "scored")),
        ("<skipped/>", (None, "skipped", "unscored")),
        ("<failure/><error/>", (0.0, "failed", "scored")),
        ("<error/>", (None, "error", "infra_error")),
        ('<failure type="assertion">details</failure>', (0.0, "failed", "scored")),
    ],
)
def test_verdicts_of_other_writers(tmp_path, case, expected):
    """Old versions of pytest, promptfoo and the common schema."""
    (one,) = report(tmp_path, f'<testcase name="a">{case}</testcase>').observations

    assert (one.value, one.label, one.outcome) == expected


def test_more_tests_than_cases_is_partial(tmp_path):
    """The suite counts what it ran."""
    read = report(tmp_path, '<testcase name="a"/>', suite='name="s" tests="5"')

    assert (read.run.status, read.run.status_reason) == (
        "partial",
        "a suite counts 5 tests and holds 1 cases",
    )


def test_a_report_of_errors_alone_is_no_result(tmp_path):
    """The server was gone: nothing was measured."""
    read = report(tmp_path, '<testcase name="a"><error/></testcase>')

    assert read.run.status == "error"
    assert "MBE215" in read.codes


def test_a_cut_report_keeps_what_came_before(tmp_path):
    """With the line at which it ends."""
    path = tmp_path / "report.xml"
    path.write_bytes(REPEATS.read_bytes()[:-120])

    read = Read(SOURCE, path)

    assert len(read.observations) == 4
    assert read.run.status == "partial"
    assert read.finding("MBE212").at.line == 15


def test_a_control_character_is_a_finding_with_its_line(tmp_path):
    """Raw terminal colours are not XML; the cases before are kept."""
    cases = '<testcase name="a"/>\n<testcase name="b"><failure>\x1b[31m</failure></testcase>'

    read = report(tmp_path, cases)

    assert [one.sample_id for one in read.observations] == ["a"]
    assert read.finding("MBE212").at.line == 2


def test_utf_16_is_read(tmp_path):
    """Reports from Windows tools."""
    before = '<?xml version="1.0" encoding="utf-16"?>'

    read = report(tmp_path, '<testcase name="é"/>', before=before, encoding="utf-16")

    assert [one.sample_id for one in read.observations] == ["é"]


def test_namespaces_are_looked_through(tmp_path):
    """Some writers declare one."""
    read = report(tmp_path, '<testcase name="a"/>', suite='xmlns="urn:x" name="s"')

    assert len(read.observations) == 1


def test_a_document_type_without_entities_is_allowed(tmp_path):
    """Harmless, and some writers declare one."""
    read = report(tmp_path, '<testcase name="a"/>', before="<!DOCTYPE testsuite>")

    assert len(read.observations) == 1


@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY a "lol">',
        '<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/hostname">',
        '<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;',
    ],
)
def test_entities_are_refused(tmp_path, entities):
    """Billion laughs, inclusion of files and requests all need one."""
    with pytest.raises(SourceError, match="declares entities"):
        report(tmp_path, '<testcase name="a"/>', before=f"<!DOCTYPE testsuite [{entities}]>")


@pytest.mark.parametrize(
    "text", ["", "not xml <testsuite", "<testsuite", "<testsuites/>", "<testsuite></testsuite>"]
)
def test_a_report_without_cases_is_refused_with_a_fix(tmp_path, text):
    """An empty success is the worst result."""
    path = tmp_path / "report.xml"
    path.write_text(text)

    with pytest.raises(SourceError) as caught:
        Read(SOURCE, path)

    assert caught.value.fix


def test_memory_does_not_grow_with_the_report(tmp_path):
    """100 times the cases in less than twice the memory: read cases are dropped."""
    peaks = []
    for count in (20, 2000):
        path = tmp_path / f"{count}.xml"
        case = f'<testcase name="a"><system-out>{"x" * 2000}</system-out></testcase>'
        path.write_text(f'<testsuite name="s">{MODEL}{case * count}</testsuite>')
        items = SOURCE.read(LogFile(path, path.name), Settings())
        tracemalloc.start()
        for _ in items:
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 2 * peaks[0]


def test_excerpts_hold_what_the_report_says(tmp_path):
    """Output of the test, and why it failed."""
    path = tmp_path / "report.xml"
    case = '<testcase name="a"><failure message="why"/><system-out>said</system-out></testcase>'
    path.write_text(f'<testsuite name="s">{MODEL}{case}</testsuite>')

    (excerpt,) = Read(SOURCE, path, excerpts=True).excerpts

    assert (excerpt.output, excerpt.scores) == ("said", (("pass", "failed", None, "why"),))


def test_long_names_are_shortened_and_stay_apart(tmp_path):
    """Parametrised tests carry whole prompts in their names."""
    names = ["x" * 300 + end for end in "ab"]

    read = report(tmp_path, "".join(f'<testcase name="{name}"/>' for name in names))

    assert len({one.sample_id for one in read.observations}) == 2
    assert max(len(one.sample_id) for one in read.observations) < 200


@BOUNDED
@given(data=torn(PYTEST.read_bytes()))
def test_torn_reports_never_crash(tmp_path, data):
    """Every byte may be missing or another."""
    path = tmp_path / "report.xml"
    path.write_bytes(data)

    check(SOURCE, path, excerpts=True)


BOMBS = SHARED / "corpora" / "xml_bombs"


@pytest.mark.published
@pytest.mark.skipif(not BOMBS.exists(), reason="the data beside the project are not there")
@pytest.mark.parametrize(
    "name", ["billion", "quadratic", "xxe", "ctrl", "extdtd", "utf7", "benign", "doctype-benign"]
)
def test_xml_bombs_are_refused(name):
    """None of them expands, none of them reaches out, none names a model."""
    with pytest.raises(SourceError):
        Read(SOURCE, BOMBS / f"{name}.xml")
