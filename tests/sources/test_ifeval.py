"""IFEval results: the prompt and each instruction, strict or loose."""

import json
import shutil
from pathlib import Path

import pytest

from mbe_docs.errors import SourceError
from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources.ifeval import SOURCE
from mbe_docs.sources.interface import LogFile, Settings

FOLDER = Path(__file__).parents[1] / "fixtures" / "logs" / "ifeval" / "es_input_response_data_acme-atlas-1"
STRICT, LOOSE = FOLDER / "eval_results_strict.jsonl", FOLDER / "eval_results_loose.jsonl"
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "m-ifeval" / "evaluations"


def read(path, settings=Settings()):  # noqa: B008
    """Everything that is read."""
    return list(SOURCE.read(LogFile(path, path.name), settings))


def of(items, kind):
    """The items of one kind."""
    return [item for item in items if isinstance(item, kind)]


@pytest.fixture
def rows():
    """The lines of the strict fixture."""
    return [json.loads(line) for line in STRICT.read_text().splitlines()]


@pytest.fixture
def read_rows(tmp_path):
    """A function that writes lines to a file and reads it."""

    def write(rows, folder=FOLDER.name, name=STRICT.name):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return read(path)

    return write


def test_the_prompt_and_each_instruction_are_scored():
    """Names carry the strictness: the two files have different rulers for the same outputs."""
    found = {one.scorer: one.value for one in of(read(STRICT), Observation)[2:6]}

    assert found == {
        "prompt_strict": 0.0,
        "instruction_strict/es:keywords:existence": 1.0,
        "instruction_strict/es:punctuation:no_comma": 0.0,
        "instruction_strict/es:keywords:existence#2": 1.0,
    }


def test_an_instruction_given_twice_is_two():
    """17 English prompts have one; both verdicts count in the published accuracy."""
    scorers = [one.scorer for one in of(read(STRICT), Observation)]

    assert "instruction_strict/es:keywords:existence#2" in scorers


def test_strict_and_loose_share_samples_and_differ_in_scorers():
    """Same prompts, so same samples; no run of one is pooled with the other."""
    strict, loose = (of(read(path), Observation) for path in (STRICT, LOOSE))

    assert {(one.sample_id, one.input_hash) for one in strict} == {
        (one.sample_id, one.input_hash) for one in loose
    }
    assert set() == {one.scorer for one in strict} & {one.scorer for one in loose}
    assert strict[0].run_key != loose[0].run_key


def test_the_folder_says_model_and_language():
    """Nothing in the file does."""
    (run,) = of(read(STRICT), Run)

    assert (
        run.task,
        run.model_requested,
        run.samples_planned,
        run.epochs,
    ) == ("ifeval_es", "acme-atlas-1", 3, 1)
    assert tuple(one.name for one in run.scorers) == ("prompt_strict", "instruction_strict")


@pytest.mark.parametrize(
    ("folder", "model", "severity"),
    [("gpt-4o", "gpt-4o", "note"), ("results", "results", "warning")],
)
def test_another_folder_name_is_taken_with_a_finding(rows, read_rows, folder, model, severity):
    """A guess is said; a name that cannot be a model is a warning."""
    items = read_rows(rows, folder)
    (run,) = of(items, Run)

    assert (model, "ifeval") == (run.model_requested, run.task)
    assert [("MBE243", severity)] == [(one.code, one.severity) for one in of(items, Finding)]


def test_a_file_that_says_neither_strict_nor_loose_is_read_as_strict(rows, read_rows):
    """With a warning."""
    items = read_rows(rows, name="out.jsonl")

    assert of(items, Observation)[0].scorer == "prompt_strict"
    assert [one.code for one in of(items, Finding)] == ["MBE243"]


def test_a_prompt_given_twice_is_a_repeat(rows, read_rows):
    """There is no id; the prompt with its instructions is the key."""
    items = read_rows([*rows, rows[0]])
    (run,) = of(items, Run)

    assert (run.epochs, run.samples_planned) == (2, 3)


def test_the_same_prompt_with_other_instructions_is_another_sample(rows, read_rows):
    """What is checked is part of the question."""
    items = read_rows([rows[0], rows[0] | {"instruction_id_list": ["es:language:response_language"]}])

    assert len({one.sample_id for one in of(items, Observation)}) == 2


def test_verdicts_that_do_not_fit_the_instructions_are_unknown(rows, read_rows):
    """Which verdict is of which instruction cannot be told; the prompt's own verdict stands."""
    items = read_rows([rows[1] | {"follow_instruction_list": [True]}])

    assert [one.value for one in of(items, Observation)] == [0.0, None, None, None]
    assert [one.code for one in of(items, Finding)] == ["MBE211"]


@pytest.mark.parametrize(
    ("verdict", "value", "codes"),
    [
        (None, None, []),
        ("true", 1.0, []),
        (0, 0.0, []),
        (0.5, None, ["MBE211"]),
        ("maybe", None, ["MBE211"]),
        ([], None, ["MBE211"]),
    ],
)
def test_a_verdict_that_is_neither_is_unknown(rows, read_rows, verdict, value, codes):
    """Never a zero."""
    items = read_rows([rows[0] | {"follow_all_instructions": verdict}])
    first = of(items, Observation)[0]

    assert (value, "unscored" if value is None else "scored") == (first.value, first.outcome)
    assert codes == [one.code for one in of(items, Finding)]


@pytest.mark.parametrize(
    "row", ["{", "5", '{"prompt": 5}', '{"prompt": "p", "instruction_id_list": [5]}', '"\\ud800"']
)
def test_a_line_that_cannot_be_read_is_lost_alone(tmp_path, row):
    """The rest is read; the line is said."""
    path = tmp_path / FOLDER.name / STRICT.name
    path.parent.mkdir()
    path.write_text(f"{row}\n{STRICT.read_text()}")
    items = read(path)
    (finding,) = of(items, Finding)

    assert (finding.code, finding.at.line) == ("MBE210", 1)
    assert (len(of(items, Observation)), of(items, Run)[0].status) == (8, "success")


def test_a_torn_last_line_makes_the_run_partial(tmp_path):
    """How much is missing is unknown, so it is no result."""
    shutil.copytree(FOLDER, tmp_path / FOLDER.name)
    path = tmp_path / FOLDER.name / STRICT.name
    path.write_bytes(path.read_bytes()[:-40])

    assert of(read(path), Run)[0].status == "partial"


def test_nothing_scored_is_said(rows, read_rows):
    """A green run over nothing would be the worst result."""
    items = read_rows([rows[0] | {"follow_all_instructions": None, "follow_instruction_list": [None]}])

    assert [one.code for one in of(items, Finding)] == ["MBE215"]


def test_a_file_without_results_is_refused(read_rows):
    """With a place and a fix."""
    with pytest.raises(SourceError, match="none of its 2 lines"):
        read_rows([{"a": 1}, {"b": 2}])


def test_excerpts_hold_prompt_and_response():
    """Only where text is asked for."""
    first = of(read(STRICT, Settings(excerpts=True)), Excerpt)[0]

    assert (first.input, first.output) == ("Escribe un poema con título.", "<<Mar>> olas")
    assert first.scores[0] == ("prompt_strict", "true", None, None)


def test_a_line_with_a_key_given_twice_is_said(tmp_path):
    """The last counts; where the tolerant parser sees it, it says so."""
    path = tmp_path / FOLDER.name / STRICT.name
    path.parent.mkdir()
    path.write_text(STRICT.read_text().replace('"response"', '"x": NaN, "x": 1, "response"', 1))

    assert [one.code for one in of(read(path), Finding)] == ["MBE216"]


@pytest.mark.published
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published results are not beside the project")
@pytest.mark.parametrize(
    ("folder", "figure"),
    [
        ("en_input_response_data_gpt-4o-2024-08-06", 88.6),
        ("en_input_response_data_gpt-4o-mini-2024-07-18", 86.0),
        ("es_input_response_data_gpt-4o-2024-08-06", 89.8),
        ("es_input_response_data_gpt-4o-mini-2024-07-18", 85.4),
    ],
)
def test_published_instruction_level_strict_accuracy_of_m_ifeval(folder, figure):
    """README leaderboard of M-IFEval, instruction level, strict, in percent."""
    values = [
        one.value
        for one in of(read(PUBLISHED / folder / "eval_results_strict.jsonl"), Observation)
        if one.scorer.startswith("instruction_strict/")
    ]

    assert figure == round(100 * sum(values) / len(values), 1)


@pytest.mark.published
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published results are not beside the project")
@pytest.mark.parametrize(
    ("language", "n", "passed", "discordant"),
    [("en", 541, (455, 435), (40, 20)), ("es", 115, (101, 95), (6, 0))],
)
def test_published_prompt_level_strict_counts_of_m_ifeval(language, n, passed, discordant):
    """The two models' samples are paired by prompt; counts are those of the data's own description."""
    scores = []
    for model in ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"):
        items = read(PUBLISHED / f"{language}_input_response_data_{model}" / "eval_results_strict.jsonl")
        scores.append(
            {one.sample_id: one.value for one in of(items, Observation) if one.scorer == "prompt_strict"}
        )
    first, second = scores

    assert (n, n) == (len(first), len(second))
    assert passed == (sum(first.values()), sum(second.values()))
    assert discordant == tuple(
        sum(one[key] > other[key] for key in first) for one, other in ((first, second), (second, first))
    )
