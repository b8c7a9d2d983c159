"""The published registry: canonical, hashed, valid against its schema."""

import json
import random

import jsonschema
import pytest

from mbe_docs.records.registry import Registry
from mbe_docs.registry.publish import read_registry, registry_json, registry_schema, with_hash
from tests import make

LOGS = [
    ("atlas-1", 0, "1 1 0 1 E"),
    ("atlas-1", 1, "1 0 0 1 1"),
    ("atlas-2", 2, "0 0 0 1 1"),
    ("globe-9", 3, "1 0"),
]


def published(root, logs):
    """A registry with every kind of record."""
    made = []
    for model, number, attempts in logs:
        run = make.run(
            run_key=f"inspect:r{number}",
            model_requested=model,
            log_uri=f"logs/r{number}.eval",
            started_at=f"2026-05-{number + 1:02d}T00:00:00+00:00",
        )
        kinds = [{"kind": f"k{n % 2}"} for n in range(len(attempts.split()))]
        made.append((run, make.observations(run, attempts, metadata=kinds)))
    behavior = make.behavior(title="Adds “two” numbers – é", measure=make.measure(slices=("kind",)))
    return make.merged(root, *made, behaviors=[behavior], quirks=[make.quirk()])


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return published(tmp_path_factory.mktemp("published"), LOGS)[0]


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory):
    logs = random.Random(7).sample(LOGS, len(LOGS))
    return published(tmp_path_factory.mktemp("shuffled"), logs)


def test_the_same_logs_in_another_order_give_the_same_bytes(registry, shuffled):
    """No clock, no hash order, no order of ingestion."""
    assert registry_json(registry) == registry_json(shuffled[0])


def test_findings_have_one_order_too(shuffled, tmp_path):
    """A report can be compared with the one of yesterday."""
    assert shuffled[1] == published(tmp_path, list(reversed(LOGS)))[1]


def test_every_record_has_a_line_of_its_own(registry):
    """So that a diff of two releases can be read."""
    text = registry_json(registry)

    content = json.loads(text)
    for key in ("runs", "estimates", "comparisons", "statements", "behaviors", "quirks", "families"):
        for record in content[key]:
            line = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            assert f"\n{line}" in text
    assert text.endswith("}\n")


def test_keys_are_sorted_at_every_depth(registry):
    """One spelling for one content."""

    def check(pairs):
        keys = [key for key, _ in pairs]
        assert keys == sorted(keys)
        return dict(pairs)

    json.loads(registry_json(registry), object_pairs_hook=check)


def test_text_is_text_and_not_escapes(registry):
    """People read it."""
    assert "Adds “two” numbers – é" in registry_json(registry)


def test_what_was_published_reads_back_as_it_was(registry):
    """Nothing is lost on the way, the interval of an alias included."""
    assert read_registry(registry_json(registry)) == registry


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"value":0.7', '"value":0.8'),
        ("Drops the carry", "Drops nothing"),
        ('"samples_seen":5', '"samples_seen":6'),
    ],
)
def test_an_edited_file_is_refused(registry, old, new):
    """The hash no longer fits."""
    text = registry_json(registry)
    assert old in text

    with pytest.raises(ValueError, match="the file was edited or cut"):
        read_registry(text.replace(old, new, 1))


def test_a_cut_file_is_refused(registry):
    """Half a registry is none."""
    with pytest.raises(ValueError, match=r"."):
        read_registry(registry_json(registry)[:-200])


def test_the_hash_is_that_of_the_text_with_an_empty_hash(registry):
    """Anybody can check it with sha256sum."""
    import hashlib

    bare = registry_json(registry).replace(registry.content_hash, "")

    assert registry.content_hash == hashlib.sha256(bare.encode()).hexdigest()


def test_hashing_twice_changes_nothing(registry):
    """The hash is not part of what is hashed."""
    assert with_hash(registry) == registry


def test_the_published_file_is_valid_against_the_published_schema(registry):
    """JSON Schema 2020-12, checked by jsonschema; the schema itself is one."""
    schema = registry_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(registry_json(registry)))


def test_the_schema_knows_every_field_and_no_other():
    """A reader generated from it sees what we publish."""
    schema = registry_schema()

    assert set(schema["properties"]) == set(Registry.model_fields)
    assert schema["additionalProperties"] is False


def test_an_empty_registry_is_published_too(tmp_path):
    """No run, no note: valid, and as of no day."""
    empty, findings = make.merged(tmp_path, families=())

    jsonschema.validate(json.loads(registry_json(empty)), registry_schema())
    assert (empty.as_of, empty.runs, findings) == (None, (), ())


def test_no_text_of_a_sample_is_published(registry):
    """Ids of samples are; prompts and answers stay in the store."""
    assert {"input", "output", "excerpt"}.isdisjoint(_keys(json.loads(registry_json(registry))))


def _keys(value):
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()
