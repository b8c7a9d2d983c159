"""Logs in the shape and size that harnesses write, with text that compresses like text.

Every text is put together from paragraphs of made-up words, whose frequencies fall like those of a language,
with numbers in between. The same seed gives the same files.
"""

import itertools
import json
import random
import struct
import zlib
from datetime import UTC, datetime, timedelta

import zstandard

MODEL = "acme/atlas-2"
ANSWERED = "atlas-2-20260901"
SCORERS = ("match", "includes", "judge", "style")
BEGIN = datetime(2026, 9, 1, 8, tzinfo=UTC)


class Prose:
    """Text from a pool of paragraphs."""

    def __init__(self, seed, paragraphs=3000):
        self.random = random.Random(seed)
        syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "st")]
        words = ["".join(self.random.choices(syllables, k=self.random.randint(1, 4))) for _ in range(6000)]
        weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))
        self._pool = []
        for _ in range(paragraphs):
            chosen = self.random.choices(words, cum_weights=weights, k=self.random.randint(30, 60))
            self._pool.append(" ".join(chosen).capitalize() + ".")

    def text(self, chars):
        """About so many characters, never the same twice."""
        parts, size = [], 0
        while size < chars:
            part = f"{self.random.choice(self._pool)} ({self.random.getrandbits(40)})"
            parts.append(part)
            size += len(part) + 2
        return "\n\n".join(parts)

    def key(self):
        """A name such as harnesses make."""
        return f"{self.random.getrandbits(128):032x}"


def _usage(prose):
    made = {"input_tokens": prose.random.randint(800, 9000), "output_tokens": prose.random.randint(20, 900)}
    return made | {"total_tokens": sum(made.values()), "input_tokens_cache_read": 0}


def _clock(seconds):
    return (BEGIN + timedelta(seconds=seconds)).isoformat()


def _event(prose, kind, at, **rest):
    stamp = {"uuid": prose.key(), "span_id": prose.key(), "timestamp": _clock(at), "working_start": at}
    return stamp | {"event": kind} | rest


def _output(prose, message, stop):
    choice = {"message": message, "stop_reason": stop}
    usage, seconds = _usage(prose), round(prose.random.uniform(0.5, 9), 6)
    return {"model": ANSWERED, "choices": [choice], "usage": usage, "time": seconds}


def inspect_sample(prose, name, at, prompt, *, turns=5, chars=1000):
    """One sample: a conversation with tool calls, an event for every step, four scores."""
    question = prose.text(chars)
    system = {"id": prose.key(), "content": prompt, "source": "input", "role": "system"}
    asked = {"id": prose.key(), "content": question, "source": "input", "role": "user"}
    messages, attachments, events = [system, asked], {}, []
    state = {"messages": messages[:], "tools": [], "tool_choice": None, "store": {}, "completed": False}
    state |= {"output": {"model": MODEL, "choices": [], "completion": ""}, "metadata": {}}
    metadata = {"topic": f"t{prose.random.randint(0, 9)}", "level": prose.random.randint(1, 5)}
    metadata |= {"source": "generated", "notes": prose.text(300)}
    start = {"input": question, "target": "42", "id": name, "metadata": metadata}
    events.append(_event(prose, "sample_init", at, sample=start, state=state))
    for turn in range(turns):
        answer = {"id": prose.key(), "content": prose.text(chars // 2), "source": "generate"}
        answer |= {"role": "assistant", "model": ANSWERED}
        stop = "stop" if turn == turns - 1 else "tool_calls"
        call = {"id": prose.key()[:24], "function": "search", "arguments": {"query": prose.text(60)}}
        if stop == "tool_calls":
            answer["tool_calls"] = [call | {"type": "function"}]
        output = _output(prose, answer, stop)
        kept = prose.key()
        attachments[kept] = answer["content"]
        shown = answer | {"content": f"attachment://{kept}"}
        reply = {"request": {"model": MODEL, "max_tokens": 2048}, "response": {"id": prose.key()}}
        said = output | {"choices": [{"message": shown, "stop_reason": stop}]}
        config = {"max_tokens": 2048, "temperature": 0.7}
        common = {"model": MODEL, "input": [], "tools": [], "tool_choice": "auto", "config": config}
        refs = {"input_refs": [[0, len(messages)]], "output": said, "call": reply}
        events.append(_event(prose, "model", at + turn, **common, **refs, working_time=output["time"]))
        messages.append(answer)
        if stop == "tool_calls":
            found = {"id": prose.key(), "content": prose.text(chars), "role": "tool", "function": "search"}
            kept = prose.key()
            attachments[kept] = found["content"]
            result = call | {"type": "function", "result": f"attachment://{kept}", "events": []}
            events.append(_event(prose, "tool", at + turn, **result))
            messages.append(found | {"tool_call_id": call["id"]})
    scores = {}
    for scorer in SCORERS:
        value = round(prose.random.random(), 3) if scorer == "style" else prose.random.choice("CCCPIN")
        score = {"value": value, "answer": prose.text(80), "explanation": prose.text(400), "history": []}
        scores[scorer] = score | {"metadata": {"grading": prose.text(200)}}
        events.append(_event(prose, "score", at + turns, score=scores[scorer], target="42"))
    usage = _usage(prose)
    return {
        "id": name,
        "epoch": 1,
        "input": [system, asked],
        "target": "42",
        "messages": messages,
        "output": output | {"completion": messages[-1]["content"]},
        "scores": scores,
        "metadata": metadata,
        "store": {},
        "events": events,
        "model_usage": {MODEL: usage, "acme/judge-1": _usage(prose)},
        "role_usage": {},
        "started_at": _clock(at),
        "completed_at": _clock(at + turns),
        "total_time": turns + 0.25,
        "working_time": turns - 0.5,
        "uuid": prose.key(),
        "error_retries": [],
        "attachments": attachments,
        "events_data": {"messages": messages, "calls": []},
    }


def _inspect_header(prose, samples):
    dataset = {"name": "generated", "samples": samples, "shuffled": False}
    scorers = [{"name": name, "options": {}, "metrics": [], "metadata": {}} for name in SCORERS]
    spec = {"eval_id": prose.key(), "run_id": prose.key(), "created": _clock(0), "task": "research"}
    spec |= {"task_id": prose.key(), "task_version": 1, "task_args": {}, "dataset": dataset, "model": MODEL}
    spec |= {"model_generate_config": {"temperature": 0.7}, "model_args": {}, "config": {"epochs": 1}}
    spec |= {"packages": {"inspect_ai": "0.3.285"}, "scorers": scorers}
    plan = {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": {}}
    results = {"total_samples": samples, "completed_samples": samples, "scores": []}
    stats = {"started_at": _clock(0), "completed_at": _clock(samples), "model_usage": {}}
    return {"version": 2, "status": "success", "eval": spec, "plan": plan, "results": results, "stats": stats}


def _summary(sample):
    names = ("id", "epoch", "target", "model_usage", "started_at", "total_time", "uuid")
    scores = {name: score | {"explanation": ""} for name, score in sample["scores"].items()}
    return {name: sample[name] for name in names} | {"input": "…", "scores": scores, "metadata": {}}


def inspect_log(path, samples, *, seed, name=None, distinct=None, **shape):
    """An `.eval` log with Zstandard members, as Inspect writes it.

    `name` tells copies apart; after `distinct` samples the same ones come again with other ids.
    """
    prose = Prose(seed)
    head = _inspect_header(prose, samples)
    if name is not None:
        head["eval"]["eval_id"] = f"eval-{name}"
    with path.open("wb") as file:
        archive = Archive(file)
        start = {key: head[key] for key in ("version", "eval", "plan")}
        archive.add("_journal/start.json", start)
        summaries, prompt = [], prose.text(600)
        first = []
        for number in range(samples):
            if distinct and number >= distinct:
                sample = first[number % distinct] | {"id": f"q-{number:06d}"}
            else:
                sample = inspect_sample(prose, f"q-{number:06d}", number, prompt, **shape)
                first += [sample] if distinct else []
            archive.add(f"samples/{sample['id']}_epoch_1.json", sample)
            summaries.append(_summary(sample))
        archive.add("summaries.json", summaries)
        archive.add("header.json", head)
        archive.finish()
    return path


class Archive:
    """A zip file with members of method 93, which Python's own module writes only from 3.14 on."""

    def __init__(self, file):
        self._file, self._directory = file, []
        self._compressor = zstandard.ZstdCompressor(level=3)

    def add(self, name, value):
        """Another member: a value as JSON."""
        data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        packed, raw, crc, at = (
            self._compressor.compress(data),
            name.encode(),
            zlib.crc32(data),
            self._file.tell(),
        )
        sizes = (crc, len(packed), len(data), len(raw))
        self._file.write(struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 93, 0, 0, *sizes, 0) + raw + packed)
        entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 93, 0, 0, *sizes, 0, 0, 0, 0, 0, at)
        self._directory.append(entry + raw)

    def finish(self):
        """The directory, with 64-bit counts where there are too many members for the old form."""
        at, count, directory = self._file.tell(), len(self._directory), b"".join(self._directory)
        self._file.write(directory)
        wide = (count, count, len(directory), at)
        if count > 0xFFFE:
            self._file.write(struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *wide))
            self._file.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(directory), 1))
        few = min(count, 0xFFFF)
        self._file.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, few, few, len(directory), at, 0))


def lm_eval_logs(folder, rows, *, seed, chars=5300):
    """A results file and the samples of its one task; returns both."""
    prose = Prose(seed)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = "2026-09-01T08-00-00.000001"
    results = folder / f"results_{stamp}.json"
    task = {"alias": "generated", "exact_match,strict": 0.5, "exact_match_stderr,strict": 0.01}
    n_samples = {"generated": {"original": rows, "effective": rows}}
    config = {"task": "generated", "output_type": "generate_until", "repeats": 1, "num_fewshot": 5}
    made = {"results": {"generated": task}, "configs": {"generated": config}, "n-samples": n_samples}
    made |= {"versions": {"generated": 1}, "config": {"model": "hf", "model_args": "pretrained=acme/atlas-2"}}
    made |= {"model_name": "acme/atlas-2", "date": 1788249600.0, "model_source": "hf"}
    results.write_text(json.dumps(made))
    samples = folder / f"samples_generated_{stamp}.jsonl"
    with samples.open("w") as file:
        for number in range(rows):
            file.write(json.dumps(_lm_eval_row(prose, number, chars), ensure_ascii=False) + "\n")
    return results, samples


def _lm_eval_row(prose, number, chars):
    question, answer = prose.text(400), str(prose.random.randint(0, 999))
    shots, said = prose.text(chars - 2000), prose.text(700)
    hit = float(prose.random.random() < 0.5)
    return {
        "doc_id": number,
        "doc": {"question": question, "answer": answer, "subject": f"s{prose.random.randint(0, 40)}"},
        "target": answer,
        "arguments": {
            "gen_args_0": {
                "arg_0": f"{shots}\n\n{question}",
                "arg_1": {"until": ["\n\n"], "max_gen_toks": 256},
            }
        },
        "resps": [[said]],
        "filtered_resps": [said[-200:]],
        "filter": "strict",
        "metrics": ["exact_match", "format"],
        "doc_hash": prose.key() * 2,
        "prompt_hash": prose.key() * 2,
        "target_hash": prose.key() * 2,
        "exact_match": hit,
        "format": 1.0,
    }


def promptfoo_export(path, rows, *, seed, chars=5000):
    """A JSON export of two providers, indented as promptfoo indents it."""
    prose = Prose(seed)
    providers = [{"id": "acme:atlas-1", "label": "one"}, {"id": "acme:atlas-2", "label": "two"}]
    prompts = [{"raw": "{{question}}", "label": "plain", "provider": one["label"]} for one in providers]
    head = {"version": 3, "timestamp": "2026-09-01T08:00:00.000Z", "prompts": prompts}
    stats = {"successes": rows, "failures": 0, "errors": 0}
    tail = {"stats": stats, "config": {"description": "generated", "providers": providers}}
    with path.open("w") as file:
        file.write('{\n  "evalId": "eval-gen-2026-09-01T08:00:00",\n  "results": ')
        file.write(json.dumps(head, indent=2)[:-2] + ',\n    "results": [\n')
        test = {}
        for number in range(rows):
            test = test if number % 2 else _promptfoo_test(prose, number // 2, chars)
            row = _promptfoo_row(prose, number, test, providers[number % 2], chars)
            file.write((",\n" if number else "") + json.dumps(row, indent=2, ensure_ascii=False))
        rest = json.dumps(tail["config"], indent=2)
        file.write('\n    ],\n    "stats": ' + json.dumps(tail["stats"]) + '\n  },\n  "config": ' + rest)
        file.write(',\n  "metadata": {"promptfooVersion": "0.120.0"}\n}\n')
    return path


def _promptfoo_test(prose, number, chars):
    asserts = [{"type": "contains", "value": "42"}, {"type": "llm-rubric", "value": prose.text(200)}]
    asserts[1]["metric"] = "tone"
    return {
        "description": f"test {number}",
        "vars": {"question": prose.text(chars // 3), "topic": f"t{number % 11}"},
        "assert": asserts,
        "options": {"provider": "acme:judge-1"},
        "metadata": {"suite": "main"},
    }


def _promptfoo_row(prose, number, test, provider, chars):
    said, asserts = prose.text(chars // 6), test["assert"]
    passed, tone = prose.random.random() < 0.6, round(prose.random.random(), 3)
    results = [
        {"pass": passed, "score": float(passed), "reason": prose.text(150), "assertion": asserts[0]},
        {"pass": True, "score": tone, "reason": prose.text(300), "assertion": asserts[1]},
    ]
    tokens = {"prompt": prose.random.randint(100, 900), "completion": prose.random.randint(10, 400)}
    tokens |= {"total": sum(tokens.values()), "numRequests": 1, "completionDetails": {"reasoning": 0}}
    named, score = {"tone": tone}, round((passed + tone) / 2, 4)
    return {
        "cost": 0.0012,
        "gradingResult": {
            "pass": passed,
            "score": score,
            "reason": "All assertions passed",
            "namedScores": named,
            "componentResults": results,
        },
        "id": prose.key(),
        "latencyMs": prose.random.randint(200, 9000),
        "namedScores": named,
        "prompt": {"raw": test["vars"]["question"], "label": "plain"},
        "promptId": "a" * 64,
        "promptIdx": number % 2,
        "provider": provider,
        "response": {
            "output": said,
            "raw": {"id": prose.key(), "model": ANSWERED, "choices": [{"text": said}]},
            "tokenUsage": tokens,
            "cached": False,
            "finishReason": "stop",
        },
        "score": score,
        "success": passed,
        "testCase": test,
        "testIdx": number // 2,
        "vars": test["vars"],
        "metadata": {},
        "failureReason": 0 if passed else 1,
        "tokenUsage": tokens,
    }
