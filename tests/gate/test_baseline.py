"""What is blessed stays until somebody blesses again."""

from __future__ import annotations

import json

import pytest

from mbe_docs.errors import ConfigError, CuratedError, EvidenceError
from mbe_docs.project import Project
from mbe_docs.registry.baseline import baseline_json, load_baseline
from tests.project import small
from tests.sources.build_logs import eval_log, header, sample


@pytest.fixture
def project(tmp_path):
    """Atlas 1 at 95 %, Atlas 2 at 20 %, nothing blessed."""
    return Project(small.ingested(tmp_path / "registry"))


def log(path, model, values, *, status="success", day="2026-11-09", **spec):
    """A log of one attempt at each sample, of a day."""
    spec = {"eval_id": path.stem, "run_id": path.stem, "model": f"acme/{model}"} | spec
    samples = [
        sample(number, value=value, metadata={"kind": "easy" if number % 2 else "hard"})
        for number, value in enumerate(values, start=1)
    ]
    stats = {"started_at": f"{day}T10:00:01+00:00", "completed_at": f"{day}T10:01:00+00:00"}
    dataset = {"name": "sums", "samples": len(samples)}
    return eval_log(path, samples, header(status, eval=spec | {"dataset": dataset}, stats=stats))


def measure_again(project, values, *, model="atlas-1", name="later", **changes):
    """A newer run of the same task, ingested."""
    project.ingest([str(log(project.root / "logs" / f"{name}.eval", model, values, **changes))])
    return project.fresh()


def text_of(project):
    return (project.root / "behaviors" / "baseline.json").read_text(encoding="utf-8")


def test_a_blessing_pins_runs_by_the_hash_of_their_logs(project):
    """Canonical JSON, one line an entry: a review sees what moved."""
    project.bless(["atlas-1"], reason="  the one\n in production ")

    (entry,) = load_baseline(project.root)
    (stored,) = (one for one in project.store.runs() if "atlas-1" in one.run.run_key)
    assert (entry.behavior, entry.subject, entry.as_of) == ("adds", "atlas-1", "2026-11-01")
    assert [(one.run_key, one.source_sha256) for one in entry.runs] == [
        (stored.run.run_key, stored.entry.source_sha256)
    ]
    assert (entry.rate.value, entry.n_samples, entry.reason) == (0.95, 40, "the one in production")
    assert text_of(project).count("\n") == 3
    assert text_of(project) == baseline_json([entry])


def test_blessing_another_model_keeps_what_was_blessed(project):
    """Lines are added, in the order of subject and behavior."""
    project.bless(["atlas-2"], reason="new")
    first = text_of(project).splitlines()[1]
    project.bless(["atlas-1"], reason="old")

    assert text_of(project).splitlines()[2] == first
    assert [entry.subject for entry in load_baseline(project.root)] == ["atlas-1", "atlas-2"]


def test_blessing_the_same_runs_again_changes_no_byte(project):
    """The first reason stays: nothing new was accepted."""
    project.bless(["atlas-1"], reason="first")
    before = text_of(project)

    (again,) = project.bless(["atlas-1"], reason="second")

    assert again.entry is again.before or again.entry == again.before
    assert text_of(project) == before


def test_blessing_newer_runs_replaces_the_line(project):
    """That is the only way in which the baseline moves."""
    project.bless(["atlas-1"], reason="first")
    later = measure_again(project, "C" * 20 + "I" * 20)

    later.bless(["atlas-1"], reason="known to be worse", behaviors=["adds"])

    (entry,) = load_baseline(project.root)
    assert (len(entry.runs), entry.reason) == (2, "known to be worse")


def test_an_alias_is_blessed_as_what_it_means(project):
    """The name may move, the line does not."""
    project.bless(["atlas-latest"], reason="new")

    assert [entry.subject for entry in load_baseline(project.root)] == ["atlas-2"]


def test_a_dry_run_writes_nothing(project):
    """It says what would be blessed."""
    (blessing,) = project.bless(["atlas-1"], reason="first", dry_run=True)

    assert blessing.entry.rate.value == 0.95
    assert not (project.root / "behaviors" / "baseline.json").exists()


def test_a_blessing_leaves_no_temporary_file(project):
    """Readers see the file of before or the one of after."""
    project.bless(["atlas-1"], reason="first")

    assert list((project.root / "behaviors").glob(".*tmp")) == []


@pytest.mark.parametrize(
    ("subjects", "options", "said"),
    [
        (["atlas-3"], {"reason": "x"}, "no finished run measured adds on atlas-3"),
        (["atlas-1"], {"reason": " "}, "a blessing needs a reason"),
        (["atlas-9"], {"reason": "x"}, "no family lists the model 'atlas-9'"),
        (["atlas-1"], {"reason": "x", "behaviors": ["add"]}, "there is no behavior 'add'"),
    ],
)
def test_what_cannot_be_blessed_is_said(project, subjects, options, said):
    """And nothing is written, of the other subjects neither."""
    with pytest.raises(ConfigError, match=said):
        project.bless(["atlas-2", *subjects], **options)

    assert not (project.root / "behaviors" / "baseline.json").exists()


def test_an_unfinished_run_is_never_blessed(tmp_path):
    """It is no result."""
    root = small.start(tmp_path / "registry", logs=False)
    (root / "logs").mkdir()
    small.log(root / "logs" / "one.eval", "atlas-1", "C" * 40, status="cancelled")
    project = Project(root)
    project.ingest([str(root / "logs")])

    with pytest.raises(ConfigError, match="no finished run measured adds on atlas-1"):
        project.bless(["atlas-1"], reason="x")


def test_the_same_runs_are_nothing_new(project):
    """Exit 0, and it is said rather than shown as unchanged."""
    project.bless(["atlas-1"], reason="first")

    found = project.diff_baseline("atlas-1")

    assert (found.exit_code, found.comparisons) == (0, ())
    assert found.headline() == "Nothing new since blessing."
    assert found.notes == ("nothing new since blessing: adds",)


def test_only_the_runs_since_are_compared_with_the_blessed_ones(project):
    """The blessed runs are on one side only, or a drop would be diluted by what it is compared with."""
    project.bless(["atlas-1"], reason="first")
    later = measure_again(project, "C" * 12 + "I" * 28)

    found = later.diff_baseline()

    (only,) = found.comparisons
    assert (only.verdict, only.old_rate.value, only.new_rate.value) == ("regressed", 0.95, 0.3)
    assert set(only.old_runs).isdisjoint(only.new_runs)
    assert (found.old, found.new, found.exit_code) == ("atlas-1@baseline", "atlas-1", 1)
    assert found.old_title == "Atlas 1, baseline of 2026-11-01"


def test_a_newer_run_never_moves_the_baseline(project):
    """Ten quiet runs later it is still the one that was blessed."""
    project.bless(["atlas-1"], reason="first")
    before = text_of(project)
    later = measure_again(project, "C" * 38 + "I" * 2)
    later.diff_baseline()

    assert text_of(project) == before


def test_a_newer_run_under_other_settings_is_not_comparable(project):
    """A new task version asks another question; nothing else is there to compare, so 2."""
    project.bless(["atlas-1"], reason="first")
    later = measure_again(project, "C" * 40, task_version=2)

    found = later.diff_baseline()

    assert [one.verdict for one in found.comparisons] == ["refused"]
    assert found.exit_code == 2


def test_an_unfinished_newer_run_is_nothing_new(project):
    """A cancelled run never reads as a result."""
    project.bless(["atlas-1"], reason="first")
    later = measure_again(project, "I" * 40, status="cancelled")

    assert later.diff_baseline().comparisons == ()


def test_an_exception_for_the_model_holds_against_its_baseline(project):
    """Old and new are the same model then."""
    project.bless(["atlas-1"], reason="first")
    (project.root / "behaviors" / "exceptions.yaml").write_text(
        "- {behavior: adds, old: atlas-1, new: atlas-1, verdict: regressed, reason: known, expires: 2027-01-01}\n"
    )
    later = measure_again(project, "C" * 12 + "I" * 28)

    assert later.diff_baseline().exit_code == 0


def test_slices_of_a_baseline_are_rows(project):
    """`--slice` works on both sides alike."""
    project.bless(["atlas-1"], reason="first")
    later = measure_again(project, "C" * 12 + "I" * 28)

    found = later.diff_baseline(by="kind")

    assert {one.slice for one in found.comparisons} == {"kind=easy", "kind=hard"}


def test_a_measure_that_changed_since_is_noted(project):
    """The blessed rate is kept, so a ruler that was swapped shows: 39 of 40, and all of the 20 easy ones."""
    first = measure_again(project, "C" * 39 + "I", model="atlas-3", name="third")
    first.bless(["atlas-3"], reason="first")
    note = project.root / "behaviors" / "adds.md"
    note.write_text(small.BEHAVIOR.replace("min_samples: 20", "min_samples: 10\n  where: {kind: easy}"))
    later = measure_again(project, "C" * 40, model="atlas-3", name="fourth")

    (only,) = later.diff_baseline().comparisons

    assert only.notes[-1] == (
        "the behavior is measured differently since: the blessed runs gave 98\u202f%, and give 100\u202f% today"
    )


def test_a_behavior_measured_later_is_named(project):
    """It has no baseline, and that is no success."""
    project.bless(["atlas-1"], reason="first")
    other = small.BEHAVIOR.replace("Adds two numbers", "Adds more")
    (project.root / "behaviors" / "adds-more.md").write_text(other)

    assert project.fresh().diff_baseline().notes[-1] == "measured and not blessed: adds-more"


def test_a_blessed_run_that_is_gone_is_an_error(project):
    """Exit 2 with a fix; never a comparison with what happens to be left."""
    project.bless(["atlas-1"], reason="first")
    path = project.root / "behaviors" / "baseline.json"
    path.write_text(text_of(project).replace("inspect:", "inspect:x"))

    with pytest.raises(EvidenceError, match="is not in the evidence store") as raised:
        project.diff_baseline()

    assert "ingest its log again, or bless" in (raised.value.fix or "")


def test_a_blessed_run_whose_log_was_edited_is_an_error(project):
    """The same run with other content is another result."""
    project.bless(["atlas-1"], reason="first")
    edited = log(project.root / "logs" / "atlas-1.eval", "atlas-1", "C" * 40, eval_id="atlas-1-atlas-1")
    project.ingest([str(edited)])

    with pytest.raises(EvidenceError, match="was replaced by an edited log"):
        project.fresh().diff_baseline()


def test_nothing_blessed_is_an_error(project):
    """A gate without a baseline must not be green."""
    with pytest.raises(ConfigError, match="nothing is blessed"):
        project.diff_baseline()


def test_a_model_that_is_not_blessed_is_an_error(project):
    """Even where another one is."""
    project.bless(["atlas-1"], reason="first")

    with pytest.raises(ConfigError, match="nothing is blessed on atlas-2"):
        project.diff_baseline("atlas-2")


def test_several_blessed_models_have_to_be_named(project):
    """One report is about one model."""
    project.bless(["atlas-1", "atlas-2"], reason="first")

    with pytest.raises(ConfigError, match="2 subjects are blessed") as raised:
        project.diff_baseline()

    assert raised.value.fix == "name one of: atlas-1, atlas-2"


def test_a_blessed_behavior_that_is_gone_is_an_error(project):
    """A gate does not lose a behavior in silence."""
    project.bless(["atlas-1"], reason="first")
    (project.root / "behaviors" / "adds.md").rename(project.root / "behaviors" / "sums.md")

    with pytest.raises(ConfigError, match="'adds' is blessed on atlas-1, and there is no such behavior"):
        project.fresh().diff_baseline()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[:40], "not readable as JSON"),
        (lambda text: "[]", "no baseline; expected `format` 1"),
        (lambda text: text.replace('"format":1', '"format":2'), "no baseline; expected `format` 1"),
        (lambda text: text.replace('"n_samples":40', '"n_samples":"x"'), "n_samples: "),
        (lambda text: text.replace('"reason":"first"', '"reasons":"first"'), "reason: field required"),
        (lambda text: "[" * 100_000, "not readable as JSON"),
    ],
)
def test_a_damaged_baseline_is_said_with_its_line(project, damage, said):
    """Nothing is compared with half a baseline."""
    project.bless(["atlas-1"], reason="first")
    path = project.root / "behaviors" / "baseline.json"
    path.write_text(damage(text_of(project)))

    with pytest.raises(CuratedError) as raised:
        project.diff_baseline()

    assert said in raised.value.problem
    assert raised.value.at is not None


def test_an_entry_twice_is_an_error(project):
    """A merge of two branches kept both lines."""
    project.bless(["atlas-1"], reason="first")
    content = json.loads(text_of(project))
    path = project.root / "behaviors" / "baseline.json"
    path.write_text(json.dumps({**content, "entries": content["entries"] * 2}))

    with pytest.raises(CuratedError, match="adds on atlas-1 is blessed twice"):
        project.diff_baseline()
