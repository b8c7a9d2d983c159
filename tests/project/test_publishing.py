"""What is published, and what never is."""

from __future__ import annotations

import shutil

import pytest

from mbe_docs.project import Project
from tests.project import small
from tests.sources.build_logs import eval_log, header, sample

CANARY = {"passing": "canaryofapassingattempt", "failing": "canaryofafailingattempt"}
"""Letters only: text is published armoured, and letters are what armour leaves alone."""
PUBLISHED = {"none": set(), "failing": {"failing"}, "all": {"passing", "failing"}}


def with_canaries(root, choice, values, *, direction="higher"):
    """A registry whose logs hold two texts, one in a passing and one in a failing attempt."""
    small.start(root, logs=False)
    note = small.BEHAVIOR.replace("direction: higher", f"direction: {direction}")
    (root / "behaviors" / "adds.md").write_text(note)
    small.configure(root, f"publish_excerpts: {choice}")
    (root / "logs").mkdir()
    samples = [
        sample(number, value=values[name], input=text)
        | {"output": {"model": "m", "choices": [{"message": {"role": "assistant", "content": text}}]}}
        | {"scores": {"match": {"value": values[name], "answer": text, "explanation": text}}}
        for number, (name, text) in enumerate(CANARY.items(), start=1)
    ]
    spec = {"eval_id": "e1", "task": "arithmetic", "model": "acme/atlas-1"}
    eval_log(root / "logs" / "log.eval", samples, header(eval=spec))
    assert Project(root).ingest([str(root / "logs")]).count("read") == 1
    return root


def seen(folder):
    """Which of the two texts are somewhere below a folder."""
    return {name for name, text in CANARY.items() if small.containing(folder, text)}


@pytest.mark.parametrize("choice", PUBLISHED)
def test_texts_are_published_as_far_as_the_settings_say(tmp_path, choice):
    """Pages, search index and registry: nothing where it says none."""
    root = with_canaries(tmp_path / "registry", choice, {"passing": "C", "failing": "I"})
    assert Project(root).build().published

    assert seen(root / "build") == PUBLISHED[choice]
    assert seen((root / "site").resolve()) == PUBLISHED[choice]


def test_texts_are_not_even_stored_where_none_is_published(tmp_path):
    """What is not there cannot leak: not from the store, not from a commit of it."""
    root = with_canaries(tmp_path / "registry", "none", {"passing": "C", "failing": "I"})

    assert seen(root / "behaviors" / "evidence") == set()


@pytest.mark.parametrize(
    ("values", "direction"),
    [
        ({"passing": 1.0, "failing": 0.0}, "higher"),
        ({"passing": True, "failing": False}, "higher"),
        ({"passing": "C", "failing": "P"}, "higher"),
        ({"passing": 0, "failing": 1}, "lower"),
        ({"passing": "I", "failing": "C"}, "lower"),
    ],
    ids=str,
)
def test_failing_means_short_of_the_best_score_in_the_better_direction(tmp_path, values, direction):
    """By value, not by the scorer's word for it: many scorers have none."""
    root = with_canaries(tmp_path / "registry", "failing", values, direction=direction)
    assert Project(root).build(pages_only=True).published

    assert seen(root / "build") == {"failing"}


def test_texts_of_before_are_not_published_once_the_settings_say_none(tmp_path):
    """The store still holds them then; pages do not show them."""
    root = with_canaries(tmp_path / "registry", "all", {"passing": "C", "failing": "I"})
    Project(root).build()
    small.configure(root, "publish_excerpts: none")
    config = root / "behaviors" / "config.yaml"
    config.write_text(config.read_text().replace("publish_excerpts: all\n", ""))

    assert Project(root).build().published
    assert seen(root / "build" / "docs") == set()
    assert seen((root / "site").resolve()) == set()


def test_a_wrong_note_publishes_nothing_and_keeps_the_site(built_registry, tmp_path):
    """Exit 1, the findings, and every byte of the site of before."""
    root = tmp_path / "registry"
    shutil.copytree(built_registry, root, symlinks=True)
    before = small.files(root / "site") | small.files((root / "site").resolve())
    note = root / "behaviors" / "adds.md"
    note.write_text(small.BEHAVIOR.replace("direction: higher", "direction: up"))

    done = small.run("build", cwd=root)

    assert (done.returncode, done.stdout) == (1, b"")
    assert b"not built: 1 error" in done.stderr
    assert b"behaviors/adds.md:7:14: MBE104 error" in done.stderr
    assert small.files(root / "site") | small.files((root / "site").resolve()) == before


def test_a_number_that_the_evidence_contradicts_publishes_nothing(registry):
    """Prose is checked against the data."""
    note = registry / "behaviors" / "adds.md"
    note.write_text(small.BEHAVIOR + "\nIt reaches [[rate: adds @ atlas-1 = 99 %]].\n")

    built = Project(registry).build()

    assert not built.published
    assert [(finding.code, str(finding.at)) for finding in built.findings] == [
        ("MBE165", "behaviors/adds.md:15:12")
    ]
    assert "[[rate: adds @ atlas-1 = 95 %]]" in built.findings[0].fix
    assert not (registry / "site").exists()


def test_damaged_evidence_publishes_nothing(registry):
    """A page with fewer runs than yesterday would look like news."""
    part = next((registry / "behaviors" / "evidence" / "parts").iterdir())
    part.write_bytes(part.read_bytes()[:-1] + b"\0")

    built = Project(registry).build()

    assert not built.published
    assert {finding.code for finding in built.findings} == {"MBE250"}


def test_a_folder_named_site_that_is_not_ours_is_moved_aside_and_said(registry):
    """Somebody's files are not deleted, and not hidden either."""
    (registry / "site").mkdir()
    (registry / "site" / "mine.txt").write_text("mine")

    done = small.run("build", cwd=registry)

    assert done.returncode == 0
    assert b"the folder site/ of before is site.before-1/ now" in done.stdout
    assert (registry / "site.before-1" / "mine.txt").read_text() == "mine"


def test_every_page_of_a_run_that_did_not_finish_says_so(tmp_path):
    """A cancelled run never reads as a result."""
    root = small.ingested(tmp_path / "registry")
    small.log(root / "logs" / "cancelled.eval", "atlas-3", "C" * 30, status="cancelled")
    Project(root).ingest([str(root / "logs")])
    Project(root).build(pages_only=True)

    registry = Project(root).registry()
    (estimate,) = (entry for entry in registry.estimates if entry.subject == "atlas-3")
    page = next((root / "build" / "docs" / "models").glob("atlas-3*")).read_text(encoding="utf-8")
    assert estimate.is_partial
    assert "no result&#58; the run did not finish" in page
    assert page.count("100\u202f%") == 0
    assert [entry.verdict for entry in registry.comparisons if "atlas-3" in (entry.old, entry.new)] == []
