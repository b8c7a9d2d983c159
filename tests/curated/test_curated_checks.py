"""Each check finds its broken file, with exactly its message, and the reference names each check."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbe_docs.curated import load_curated
from mbe_docs.curated.registered import CHECKS, render_check_reference
from mbe_docs.safe_yaml import invisible_in

ROOT = Path(__file__).parents[2]
BROKEN = ROOT / "tests" / "fixtures" / "curated" / "broken"
CASES = sorted(path.name for path in BROKEN.iterdir())
AS_OF = datetime.date(2026, 6, 1)
FRONT = (
    "---\ntitle: T\ncategory: format\nmeasure: {task: t, scorer: s, direction: higher, margin: 0.1}\n---\n"
)


def found(root: Path) -> list[str]:
    """Codes of the findings."""
    return [finding.code for finding in load_curated(root, as_of=AS_OF).findings]


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_gives_exactly_its_findings(case, overlay):
    """Place, code, severity, problem and fix, word for word."""
    findings = load_curated(overlay(case), as_of=AS_OF).findings

    expected = (BROKEN / case / "expected.txt").read_text(encoding="utf-8")
    assert "".join(f"{finding}\n" for finding in findings) == expected


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_check_has_a_broken_file(check):
    """A check without a file that it finds is not known to work."""
    assert check.code in CASES
    assert f": {check.code} {check.severity}: " in (BROKEN / check.code / "expected.txt").read_text("utf-8")


def test_five_mistakes_in_one_file_give_five_findings(overlay):
    """Nothing stops at the first."""
    assert len(found(overlay("five-mistakes"))) == 5


def test_codes_are_unique_and_of_the_curated_hundred():
    """`MBE1xx`, each once."""
    codes = [check.code for check in CHECKS]

    assert sorted(set(codes)) == codes
    assert all(code.startswith("MBE1") and len(code) == 6 for code in codes)


def test_the_reference_is_in_step_with_the_checks():
    """`docs/reference/checks.md` is generated."""
    assert (ROOT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8") == render_check_reference()


@pytest.mark.parametrize(
    ("path", "text", "codes"),
    [
        # rows that must not fire
        ("behaviors/README.md", "no front matter", []),
        ("behaviors/_draft.md", "no front matter", []),
        ("behaviors/a.md", FRONT, []),
        ("behaviors/a.md", FRONT.replace("margin: 0.1", "unit: seconds, margin: 5, range: [0, 600]"), []),
        ("behaviors/a.md", FRONT + "`<b>` 3 < 4 <https://example.org> [[1, 2]] `[[rate: x]]`\n", []),
        ("behaviors/a.md", FRONT + "```\n<b> [[rate: x]]\n```\n", []),
        ("behaviors/a.md", FRONT + "[x](mbe:behavior/a) [y](../quirks/b.md) [z](#part)\n", []),
        ("behaviors/a.md", FRONT.replace("margin: 0.1", "margin: ~").replace("---\nt", "---\nstatus: withdrawn\nwithdrawn: 2026-01-01\nt", 1), []),
        ("behaviors/models/b.yaml", "provider: p\ntitle: t\nsnapshots: {b-1: , b-2: {replacement: claude-sonnet-4-20250514}}\n", []),
        ("behaviors/models/b.yml", "provider: p\ntitle: t\nlineage: [[b-1, b-2], [b-1, b-3]]\nsnapshots: {b-1: , b-2: , b-3: }\n", []),
        ("behaviors/models/b.yaml", "provider: p\ntitle: t\nsnapshots: {b-1: {known_as: [b-1, B-1]}}\n", []),
        # rows that must
        ("behaviors/a.md", FRONT + "[x](//evil.example/x)\n", ["MBE161"]),
        ("behaviors/a.md", FRONT + "[x](java&#115;cript:alert(1))\n", ["MBE161"]),
        ("behaviors/a.md", FRONT + "[x](javascript&colon;alert(1))\n", ["MBE161"]),
        ("behaviors/a.md", FRONT + "<javascript:alert(1)>\n", ["MBE161"]),
        ("behaviors/a.md", FRONT + "[c][q]\n\n[q]: javascript:alert(1)\n", ["MBE161"]),
        ("behaviors/a.md", FRONT + "[c](<java\tscript:alert(1)>)\n", ["MBE161"]),
        ("behaviors/a.md", FRONT + "![c](data:image/svg+xml,x)\n", ["MBE161"]),
        ("behaviors/a.md", FRONT + "text\n\n<!-- hidden -->\n", ["MBE160"]),
        ("behaviors/a.md", FRONT + "[[rate: a @ claude-sonnet-latest / lang=de = 20 %]]\n", ["MBE162"]),
        ("behaviors/a.md", FRONT.replace("0.1}", ".nan}"), ["MBE104"]),
        ("behaviors/a.md", FRONT.replace("0.1}", "1e999}"), ["MBE104"]),
        ("behaviors/a.md", FRONT.replace("title: T", "title: "), ["MBE106"]),
        ("behaviors/a.md", FRONT.replace("title: T", "title: T\nid: b"), ["MBE107"]),
        ("behaviors/a.md", FRONT.replace("title: T", "title: T\nwithdrawn: 2026"), ["MBE104"]),
        ("behaviors/a.md", FRONT.replace("title: T", "title: T\nwithdrawn: 2026-02-01"), ["MBE145"]),
        ("behaviors/a.md", FRONT.replace("title: T", "title: T\nstatus: draft\nwithdrawn: 2026-02-01"), ["MBE145"]),
        ("behaviors/a.md", FRONT.replace("title: T", "title: [T]"), ["MBE104"]),
        ("behaviors/a.md", FRONT.replace("margin: 0.1", "margin: 1, range: [5, 5], unit: points"), ["MBE144", "MBE143"]),
        ("behaviors/a.md", FRONT.replace("margin: 0.1", "margin: 1, range: [5], unit: points"), ["MBE104"]),
        ("behaviors/a.md", FRONT.replace("title: T", "title: T\naliases: [Not An Id]"), ["MBE104"]),
        ("behaviors/a.md", "- a\n- b\n", ["MBE112"]),
        ("behaviors/a.md", "---\ntitle: T\n", ["MBE112"]),
        ("behaviors/a.md", "---\n- a\n---\n", ["MBE104"]),
        ("behaviors/a.md", "---\n---\n", ["MBE106"] * 3),
        ("behaviors/a.md", "x" * 300_000, ["MBE108"]),
        ("behaviors/quirks/a.md", "---\ntitle: " + "x" * 121 + "\nbehavior: valid-json\nseverity: low\n---\n", ["MBE104"]),
        ("behaviors/quirks/a.md", "---\ntitle: x\nbehavior: valid-json\nseverity: low\ndetect: {task: t, scorer: s, affected_when: rate < 90}\n---\n", ["MBE147"]),
        ("behaviors/quirks/a.md", "---\ntitle: x\nbehavior: valid-json\nseverity: low\nstatements: {snapshots: claude-sonnet-4-20250514, status: fixed, evidence_level: under_test, override: {reason: r}}\n---\n", ["MBE106"]),
        ("behaviors/models/b.yaml", "provider: p\ntitle: t\nsnapshots: {b-1: {id: b-1}}\n", ["MBE107"]),
        ("behaviors/models/b.yaml", "provider: p\ntitle: t\nsnapshots: [b-1]\n", ["MBE104"]),
        ("behaviors/models/b.yaml", "provider: p\ntitle: t\nsnapshots: {b-1: old}\n", ["MBE104"]),
        ("behaviors/models/b.yaml", "provider: p\ntitle: t\nsnapshots: {b-1: {prices: [old, {input: 1}], context_tokens: 1e5}}\n", ["MBE104", "MBE106", "MBE106", "MBE104"]),
        ("behaviors/models/b c.yaml", "provider: p\ntitle: t\nsnapshots: {}\n", ["MBE111"]),
        ("behaviors/models/b.yaml", "x" * 300_000, ["MBE108"]),
        ("behaviors/quirks/a.md", "---\ntitle: x\nbehavior: valid-json\nseverity: low\nsymptoms: {a: b}\nmitigations: {m: {kind: prompt, how: ask}}\n---\n", ["MBE104"]),
        ("behaviors/quirks/a.md", "---\ntitle: x\nbehavior: valid-json\nseverity: low\nsymptoms: [a, ~]\ndetect: {task: t, scorer: s, affected_when: rate < 1, where: x}\n---\n", ["MBE104"] * 2),
        ("behaviors/quirks/a.md", "---\ntitle: x\nbehavior: valid-json\nseverity: low\nmitigations: {id: m, kind: prompt, how: ask, measured_by: {task: t, when: {a: ~, b: 1e400, c: 0.5}}}\n---\n", []),
        ("behaviors/models/valid.yaml", "provider: p\ntitle: t\n", ["MBE106"]),
    ],
)  # fmt: skip
def test_a_file_gives_these_codes(path, text, codes, write):
    """Rules with the rows that must not fire."""
    assert found(write(path, text)) == codes


def test_without_a_taxonomy_categories_are_unknown(registry):
    """A closed list that is not there closes everything."""
    (registry / "behaviors" / "taxonomy.yaml").unlink()

    assert found(registry) == ["MBE140", "MBE141", "MBE140"]


def test_a_broken_taxonomy_does_not_blame_every_note(write):
    """The list says that it is broken; its entries are not called unknown."""
    root = write(
        "behaviors/taxonomy.yaml", "categories: [{id: format}]\nseverities: [{id: worst, rule: x}]\n"
    )

    assert found(root) == ["MBE106", "MBE106", "MBE104"]


def test_a_taxonomy_that_cannot_be_read_is_one_finding(registry):
    """Not one for every entry that uses it."""
    (registry / "behaviors" / "taxonomy.yaml").write_bytes(b"\xff")

    assert found(registry) == ["MBE109"]


def test_a_family_that_cannot_be_read_makes_no_snapshot_unknown(registry):
    """Whether a name is unknown cannot be said."""
    (registry / "behaviors" / "models" / "claude-sonnet.yaml").write_text("provider: [\n", encoding="utf-8")

    assert found(registry) == ["MBE101"]


def test_overrides_are_not_checked_without_a_date(overlay):
    """No clock is read."""
    assert not load_curated(overlay("MBE150")).findings


def test_ids_are_once_ignoring_case_over_files(write):
    """Two files with one id, by suffix."""
    text = "provider: p\ntitle: t\nsnapshots: {}\n"
    write("behaviors/models/b.yaml", text)

    assert found(write("behaviors/models/b.yml", text)) == ["MBE120"]


def test_a_link_within_the_project_is_followed(registry):
    """Only links out of the project are refused."""
    (registry / "behaviors" / "alias.md").symlink_to("long-addition.md")

    assert "alias" in [behavior.id for behavior in load_curated(registry).behaviors]


def test_a_link_to_itself_is_a_finding(registry):
    """A loop does not hang."""
    path = registry / "behaviors" / "loop.md"
    path.symlink_to("loop.md")

    assert found(registry) == ["MBE108"]


def test_findings_hold_no_control_character(write):
    """Not from values, not from file names."""
    root = write("behaviors/\x1b[31m.md", FRONT.replace("format", '"\\e[31m\\u202e"') + "\x1b[2J<b\u202e>\n")

    text = "".join(f"{f.at}{f.problem}{f.fix}" for f in load_curated(root).findings)
    assert not list(invisible_in(text))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=120), st.text(alphabet="abc: -[]{}'\"\n@=%/<>()`!", max_size=80))
def test_no_note_crashes(registry, front, body):
    """Any text in a note gives findings or a record."""
    text = f"---\n{front}\n---\n{body}".encode("utf-8", "replace")
    (registry / "behaviors" / "any.md").write_bytes(text)

    curated = load_curated(registry)

    assert curated.findings or any(behavior.id == "any" for behavior in curated.behaviors)


@pytest.mark.parametrize("text", ["[" * 20_000, "![" * 10_000, "<a " * 7_000, "`" * 20_001 + "x", "> " * 5_000,
                                  "* " * 400, "[[rate: " * 9_000, "*a_" * 9_000, "<!--" * 9_000, "`a``b```" * 6_000], ids=lambda text: text[:6])  # fmt: skip
def test_odd_bodies_take_seconds_at_most(text, write):
    """No body stalls a build."""
    root = write("behaviors/odd.md", FRONT + text)
    start = time.process_time()
    load_curated(root)

    assert time.process_time() - start < 8


def test_the_public_attack_texts_are_checked_without_a_crash(registry):
    """Hostile texts as bodies give findings; none is taken for a program."""
    corpus = ROOT.parent / "shared" / "corpora" / "untrusted_text.jsonl"
    if not corpus.exists():
        pytest.skip("no ../shared/corpora beside the project")
    for number, line in enumerate(corpus.read_text(encoding="utf-8").splitlines()):
        body = json.loads(line)["text"].encode("utf-8", "replace").decode()
        (registry / "behaviors" / f"t{number}.md").write_text(FRONT + body, encoding="utf-8")

    curated = load_curated(registry)

    assert not any(list(invisible_in(f"{finding}".replace("\n", ""))) for finding in curated.findings)
    assert not any("javascript:alert" in b.body and "](javascript:" in b.body and b.id not in
                   {Path(f.at.path).stem for f in curated.findings if f.code == "MBE161"}
                   for b in curated.behaviors if "`" not in b.body and "$" not in b.body)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [("[[quirk: gone]]", "MBE163"), ("[x](javascript:y)", "MBE161"), ("[[rate: a]]", "MBE162")],
)
def test_what_to_do_about_a_quirk_is_checked_like_a_body(write, text, code):
    """It is shown as Markdown, too: a link to nowhere would stop the build, a number would go unchecked."""
    write("behaviors/a.md", FRONT)
    root = write(
        "behaviors/quirks/q.md",
        "---\ntitle: T\nbehavior: a\nseverity: low\nsymptoms: [s]\nmitigations:\n"
        f'  - id: m\n    kind: prompt\n    how: "see {text}"\n---\nBody.\n',
    )

    errors = [finding for finding in load_curated(root).findings if finding.severity == "error"]
    assert [(finding.code, finding.at.path, finding.at.line) for finding in errors] == [
        (code, "behaviors/quirks/q.md", 9)
    ]
