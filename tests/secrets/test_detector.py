"""Secrets in text are found, and nothing else is touched."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbe_docs.secrets import Detector
from mbe_docs.secrets.detector import keywords
from mbe_docs.secrets.rules import entropy, rules
from tests.secrets.planted import secrets

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpora" / "untrusted_text.jsonl"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("vendor", sorted(secrets(0)))
def test_a_key_in_a_vendors_format_is_masked(vendor, seed):
    """None of it is left, and what is around it is."""
    text, secret = secrets(seed)[vendor]
    before, after = text.split(secret)

    kept = Detector().mask(f"Hello. {text} Bye.")

    assert secret not in kept
    assert kept.startswith(f"Hello. {before}[masked: ")
    assert kept.endswith(f"]{after} Bye.")


@pytest.mark.parametrize(
    ("vendor", "rule"),
    [
        ("aws", "aws-access-token"),
        ("github", "github-pat"),
        ("openai", "openai-api-key"),
        ("pem", "private-key"),
    ],
)
def test_the_mark_names_the_rule_that_knows_best(vendor, rule):
    """Not `generic-api-key`, though that fits as well."""
    _, secret = secrets(1)[vendor]

    assert Detector().mask(f"api_key={secret}\n") == f"api_key=[masked: {rule}]\n"


def test_a_private_key_that_is_cut_off_is_masked_to_its_end():
    """Long texts are cut before they are kept, and half a key is none of a reader's business either."""
    _, secret = secrets(1)["pem"]

    assert Detector().mask(f"see {secret[:200]}") == "see [masked: private-key-cut]"


def test_several_secrets_in_one_text_are_each_masked():
    """Characters before a secret may take several bytes; the places are those of characters."""
    keys = [secret for _, secret in secrets(2).values()]
    text = "".join(f"🗝 模型: {text}\n" for text, _ in secrets(2).values())

    found = Detector().find(text)

    assert [text[one.start : one.end] for one in found] == keys
    assert [one.sha256 for one in found] == [hashlib.sha256(key.encode()).hexdigest() for key in keys]


@given(
    st.lists(
        st.one_of(
            st.text(max_size=30),
            st.sampled_from([text for text, _ in secrets(7).values()]),
            st.sampled_from(
                ["token", "= ", "api_key: ", "-----BEGIN PRIVATE KEY-----", "curl -H", "sk-", ""]
            ),
            st.sampled_from([secret for _, secret in secrets(7).values()]).map(lambda text: text[:20]),
        ),
        max_size=12,
    )
)
def test_no_text_with_a_secret_is_missed_where_many_are_searched_together(texts):
    """Whatever stands before and behind it; those that are not suspected have none."""
    detector = Detector()

    suspected = set(detector.suspects(texts))

    assert {index for index, text in enumerate(texts) if detector.find(text)} <= suspected


def test_texts_without_secrets_are_not_suspected():
    """Words like token and key alone are not worth a second look."""
    texts = [f"passage {n} about the token ring; key = {n:08d}" for n in range(50_000)]

    assert list(Detector().suspects(texts)) == []


def test_a_secret_that_is_allowed_by_its_hash_stays():
    """Only that one."""
    (one, first), (two, second) = secrets(3)["aws"], secrets(4)["aws"]

    kept = Detector(frozenset({hashlib.sha256(first.encode()).hexdigest()})).mask(f"{one} {two}")

    assert first in kept
    assert second not in kept


@pytest.mark.parametrize(
    "text",
    [
        "The API key is a string that starts with sk- and is secret.",
        "Set OPENAI_API_KEY=<your key> and TOKEN=$TOKEN first.",
        "export ANTHROPIC_API_KEY=your-api-key-here",
        "AKIAIOSFODNN7EXAMPLE",
        "key = value, token: count, password: password",
        "max_tokens=4096, token_count: 12345678901234",
        "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "see https://example.com:8080/path@version",
        "[masked: aws-access-token]",
        "api_key = [masked: aws-access-token]",
    ],
)
def test_what_only_speaks_of_secrets_stays(text):
    """Documentation, counts and hashes are not secrets, and a mark is not masked again."""
    assert Detector().mask(text) is text


def test_prose_and_attack_strings_have_no_secrets():
    """Our own documentation, and 772 hostile strings where they are beside the project: not one false alarm."""
    pages = [path for path in sorted((ROOT / "docs").rglob("*.md")) if path.name != "secrets.md"]
    texts = [path.read_text(encoding="utf-8") for path in pages]
    if CORPUS.exists():
        texts += [json.loads(line)["text"] for line in CORPUS.read_text(encoding="utf-8").splitlines()]

    assert [found for text in texts for found in Detector().find(text)] == []


@given(st.text(max_size=200), st.sampled_from(sorted(secrets(5))), st.text(max_size=200))
def test_outside_of_secrets_no_character_changes(before, vendor, after):
    """Marks put back give the text as it was, whatever is around a secret; lone surrogates included."""
    text = f"{before} {secrets(5)[vendor][0]}\n{after}"
    found = Detector().find(text)

    kept = Detector().mask(text)

    for one in reversed(found):
        mark = f"[masked: {one.rule}]"
        at = kept.rindex(mark)
        kept = kept[:at] + text[one.start : one.end] + kept[at + len(mark) :]
    assert kept == text


@given(st.text(alphabet=st.characters(), max_size=500))
def test_masking_twice_is_masking_once(text):
    """The mark of one rule is no secret to another."""
    once = Detector().mask(text + " " + secrets(6)["database"][0])

    assert Detector().mask(once) == once


@pytest.mark.parametrize(
    "piece",
    [
        "a", "key", "token=", "api_key = ", "curl -H ", "curl \n", "eyJ", "://", "://a:", "secret" + "_" * 50,
        "-----BEGIN PRIVATE KEY-----\n", "Authorization: Bearer ", "A3T", "password=aaaaaaaaaa ", "sk-", "\U0001f511",
    ],
)  # fmt: skip
def test_time_is_linear_in_the_text(piece):
    """Ten times the text takes at most fifteen times as long, for texts made to look promising everywhere."""
    small, large = (piece * (size // len(piece)) for size in (30_000, 300_000))
    Detector().find(small)

    def seconds(text: str) -> float:
        taken = []
        for _ in range(3):
            start = time.process_time()
            Detector().find(text)
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(large) <= 15 * seconds(small) + 0.05


def test_every_rule_has_keywords_and_a_pattern_that_compiles():
    """The keyword is looked for first; a rule without one would never be tried."""
    import re2

    assert len(rules()) > 220
    assert len({rule.id for rule in rules()}) == len(rules())
    for rule in rules():
        assert rule.keywords, rule.id
        re2.compile(rule.pattern)
    assert re2.compile(f"(?i){keywords()}").search("a MIX of KEYs")


def test_entropy_is_shannons():
    """Four equally frequent characters carry two bits each; one carries none. (Cover & Thomas, section 2.1.)"""
    assert entropy("abcdabcd") == 2
    assert entropy("aaaa") == 0
