"""Secrets of a log are nowhere in what is kept and published; what is kept says how many there were."""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mbe_docs.plugins import discover
from mbe_docs.project import Project
from mbe_docs.reports.interface import Report
from tests.project import small
from tests.secrets.planted import secrets
from tests.sources.build_logs import eval_log, header, sample

KEYS = secrets(11)
TEXTS = [text for text, _ in KEYS.values()]
SECRETS = [secret for _, secret in KEYS.values()]


def planted(path: Path, model: str, text: str, **changes) -> Path:
    """A log of thirty samples with a text in every place that a log has for text."""
    samples = []
    for number in range(30):
        content = {"role": "assistant", "content": text}
        one = sample(
            f"{number} {text}" if number == 3 else number,
            input=f"{number} {text}",
            target=text,
            messages=[{"role": "user", "content": f"{number} {text}"}],
            output={"model": f"m {text}", "choices": [{"message": content}], "completion": text},
            scores={"match": {"value": "C", "answer": text, "explanation": text}},
            metadata={"kind": text.rsplit("\n\n", maxsplit=1)[-1]}
            | {f"line {n}": line for n, line in enumerate(text.split("\n\n"))}
            | {f"name {text}": "x", "nested": json.dumps({"a": text})},
        )
        samples.append(
            one | ({"error": {"message": text, "traceback": text}, "scores": None} if number == 4 else {})
        )
    spec = {
        "eval_id": f"{path.stem}",
        "task": "arithmetic",
        "model": f"acme/{model}",
        "task_args": {"api_base": text, "note": text},
        "metadata": {"comment": text},
        "tags": [text],
        "dataset": {"name": text, "samples": 30},
        "solver": text,
        "revision": {"type": "git", "origin": text, "commit": text},
    }
    return eval_log(path, samples, header(eval=spec, **changes))


def everything(root: Path) -> str:
    """All text below a folder: unpacked, columns and footers of Parquet, and pages as a browser shows them."""
    found = []
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        if path.suffix == ".parquet":
            found.append(repr(pq.read_table(path).to_pylist()))
            content = repr(pq.read_metadata(path).metadata).encode()
        text = content.decode("utf-8", "replace")
        found += [path.name, text, html.unescape(text), re.sub(r"<[^>]*>", "", html.unescape(text))]
    return "\n".join(found)


def leaks(text: str) -> list[str]:
    """Vendors whose key is in a text, whole or in its longest stretch of letters and digits."""
    return [
        name
        for name, (_, secret) in KEYS.items()
        if secret in text or max(re.findall(r"[A-Za-z0-9]+", secret), key=len)[:20] in text
    ]


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Path:
    """A registry that publishes all texts, of two models whose logs are full of keys; built."""
    root = small.start(tmp_path_factory.mktemp("secrets") / "registry", logs=False)
    small.configure(root, "publish_excerpts: all")
    (root / "logs").mkdir()
    text = "\n\n".join(TEXTS)
    for model in ("atlas-1", "atlas-2"):
        planted(root / "logs" / f"{model}.eval", model, text)
    planted(root / "logs" / "broken.eval", "atlas-2", text, status="error", error={"message": text})
    project = Project(root)
    summary = project.ingest([str(root / "logs")])
    assert summary.count("read") == 3
    assert leaks("\n".join(map(str, summary.findings))) == []
    assert Project(root).build().published
    return root


def test_the_search_of_these_tests_finds_what_it_looks_for(registry):
    """The logs hold every key."""
    from tests.sources.build_logs import Read

    assert leaks(repr(Read(registry / "logs" / "atlas-1.eval").items)) == sorted(KEYS, key=list(KEYS).index)


@pytest.mark.parametrize("folder", ["behaviors/evidence", "build", "site"])
def test_no_key_is_in_what_is_kept_or_published(registry, folder):
    """Not in a column, a footer, a manifest, registry.json, a page, or the search index."""
    text = everything((registry / folder).resolve())

    assert len(text) > 1000
    assert leaks(text) == []
    assert "[masked: aws-access-token" in text


def test_no_key_is_in_a_report_of_a_diff(registry):
    """Whatever the format, sliced by the very text."""
    project = Project(registry)
    formats: dict[str, Report] = {report.name: report for report in discover("reports", "REPORT").values()}
    assert len(formats) >= 5
    for name in formats:
        for by in (None, "kind"):
            diff = project.diff("atlas-1", "atlas-2", by=by)
            assert leaks(project.report(diff, name)) == []


def test_a_page_of_a_run_says_how_many_were_masked(registry):
    """And `registry.json` says it to programs."""
    published = json.loads(next((registry / "site").resolve().rglob("registry.json")).read_text())

    for summary in published["runs"]:
        assert sum(summary["run"]["masked"].values()) == len(KEYS)
    pages = everything((registry / "site" / "evidence").resolve())
    assert "Secrets masked" in pages


def test_an_ingest_says_what_it_masked_with_the_hashes_to_allow(tmp_path):
    """One finding a log, whatever the number of places; a dry run finds the same."""
    root = small.start(tmp_path / "registry", logs=False)
    (root / "logs").mkdir()
    secret = KEYS["aws"][1]
    planted(root / "logs" / "a.eval", "atlas-1", KEYS["aws"][0])
    sha256 = hashlib.sha256(secret.encode()).hexdigest()

    tried = Project(root).ingest([str(root / "logs")], dry_run=True)
    done = Project(root).ingest([str(root / "logs")])

    found = [str(finding) for finding in done.findings if finding.code == "MBE256"]
    assert found == [
        "a.eval: MBE256 warning: masked a secret: aws-access-token\n"
        f"  fix: revoke what is real; what is none goes to behaviors/config.yaml, secrets: {{allow: [{sha256}]}}"
    ]
    assert tried.findings == done.findings


def test_what_is_allowed_by_its_hash_is_kept(tmp_path):
    """The others are masked as before."""
    root = small.start(tmp_path / "registry", logs=False)
    allowed, other = KEYS["aws"][1], KEYS["github"][1]
    small.configure(root, f"secrets: {{allow: [{hashlib.sha256(allowed.encode()).hexdigest()}]}}")
    (root / "logs").mkdir()
    planted(root / "logs" / "a.eval", "atlas-1", f"{KEYS['aws'][0]}\n{KEYS['github'][0]}")

    summary = Project(root).ingest([str(root / "logs")])

    text = everything(root / "behaviors" / "evidence")
    assert allowed in text
    assert other not in text
    assert [f.problem for f in summary.findings if f.code == "MBE256"] == ["masked a secret: github-pat"]


def test_strict_refuses_a_log_with_a_secret_and_reads_the_others(tmp_path):
    """Nothing of it is kept; the ingest says so like of any log that cannot be read."""
    root = small.start(tmp_path / "registry")
    small.configure(root, "secrets: {strict: true}")
    planted(root / "logs" / "a.eval", "atlas-1", KEYS["aws"][0])

    summary = Project(root).ingest([str(root / "logs")])

    assert [(file.uri, file.outcome) for file in summary.files] == [
        ("a.eval", "refused"),
        ("atlas-1.eval", "read"),
        ("atlas-2.eval", "read"),
    ]
    refused = next(file.reason for file in summary.files if file.outcome == "refused")
    assert refused == "a secret in the log: aws-access-token; secrets.strict expects none"
    assert Project(root).build(pages_only=True).published


def test_strict_builds_nothing_from_a_store_with_a_masked_secret(tmp_path):
    """Masked before strict was switched on: a person decides what becomes of it."""
    root = small.start(tmp_path / "registry", logs=False)
    (root / "logs").mkdir()
    planted(root / "logs" / "a.eval", "atlas-1", KEYS["aws"][0])
    Project(root).ingest([str(root / "logs")])
    small.configure(root, "secrets: {strict: true}")

    done = Project(root).build(pages_only=True)

    assert not done.published
    assert [(f.code, f.severity, f.at.path) for f in done.findings if f.severity == "error"] == [
        ("MBE257", "error", "a.eval")
    ]


def test_two_samples_whose_ids_are_secrets_stay_two(tmp_path):
    """Marks in names are numbered, so nothing is counted twice or merged; the order of a log decides."""
    root = small.start(tmp_path / "registry", logs=False)
    (root / "logs").mkdir()
    keys = [secrets(seed)["aws"][1] for seed in (1, 2)]
    samples = [sample(key, input=f"q{n}", metadata={"kind": key}) for n, key in enumerate(keys)]
    eval_log(root / "logs" / "a.eval", samples, header(eval={"model": "acme/atlas-1"}))

    Project(root).ingest([str(root / "logs")])

    part = next((root / "behaviors" / "evidence" / "parts").iterdir())
    rows = pq.read_table(part).to_pylist()
    assert [(row["sample_id"], dict(row["metadata"])["kind"]) for row in rows] == [
        ("[masked: aws-access-token 1]", "[masked: aws-access-token 1]"),
        ("[masked: aws-access-token 2]", "[masked: aws-access-token 2]"),
    ]


def test_a_setting_that_is_called_a_key_is_read_with_its_name(tmp_path):
    """`api_key: …` is a secret though its value alone looks like any id; `kind: …` of the same shape is not."""
    root = small.start(tmp_path / "registry", logs=False)
    (root / "logs").mkdir()
    value = "".join(reversed("b7Qx2mN9vKp4Rt8WzL3c"))
    samples = [sample(1, metadata={"vendor_api_key": value, "kind": value})]
    head = header(eval={"model": "acme/atlas-1", "task_args": {"client_secret": value, "other": value}})
    eval_log(root / "logs" / "a.eval", samples, head)

    Project(root).ingest([str(root / "logs")])

    stored = Project(root).store.runs()[0].run
    part = next((root / "behaviors" / "evidence" / "parts").iterdir())
    assert dict(pq.read_table(part).to_pylist()[0]["metadata"]) == {
        "kind": value,
        "vendor_api_key": "[masked: generic-api-key 1]",
    }
    assert stored.task_args == {"client_secret": "[masked: generic-api-key 1]", "other": value}
    assert stored.masked == {"generic-api-key": 1}


@pytest.mark.parametrize("name", ["success-zstd.eval", "smollm2-json-format.eval", "promptfoo/export.json"])
def test_a_log_without_secrets_is_kept_as_it_is(tmp_path, name):
    """The columns of the store are what the source read, text by text."""
    from mbe_docs.project.reading import claimant, sources
    from mbe_docs.records.evals import Observation
    from mbe_docs.sources.interface import LogFile, Settings

    path = Path(__file__).parents[1] / "fixtures" / "logs" / name
    root = small.start(tmp_path / "registry", logs=False)
    log = LogFile(path, path.name)
    source = claimant(log, sources())

    Project(root).ingest([str(path)])

    read = [item for item in source.read(log, Settings()) if isinstance(item, Observation)]
    part = next((root / "behaviors" / "evidence" / "parts").iterdir())
    kept = pq.read_table(part).to_pylist()
    assert [(one.sample_id, one.label, dict(one.metadata)) for one in read] == [
        (row["sample_id"], row["label"], dict(row["metadata"])) for row in kept
    ]
