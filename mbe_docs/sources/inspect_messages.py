"""Messages of an Inspect sample as text: what was asked and what was answered."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from mbe_docs.sources.decoding import DocumentError, decode, typed
from mbe_docs.sources.inspect_log import ATTACHMENTS, Message, Sample, TextSample

ATTACHED = "attachment://"
Document = Any
"""One sample: bytes of JSON, or what the tolerant path made of it."""
T = TypeVar("T")


def read_as(document: Document, decoder: msgspec.json.Decoder[T]) -> tuple[T, tuple[str, ...]]:
    """A sample, or the part of it that a decoder reads, and what was tolerated.

    Raises:
        DocumentError: it is not JSON, or not of the expected shape.
    """
    if isinstance(document, bytes | msgspec.Raw):
        return decode(document, decoder)
    return typed(document, decoder.type), ()


def cut(text: str, most: int) -> str:
    """The text, or its beginning and how much was cut."""
    return text if len(text) <= most else f"{text[:most]}… [cut: {len(text) - most:,} more characters]"


def question_of(asked: str | list[Message] | None, attachments: dict[str, str]) -> str | list[Any] | None:
    """The input as what was asked: a text, or roles and contents. One user message equals its text."""
    if not isinstance(asked, list):
        return attachments.get(asked, asked) if asked and attachments else asked
    parts = [[message.role, _contents(message, attachments)] for message in asked]
    if len(parts) == 1 and parts[0][0] == "user" and isinstance(parts[0][1], str):
        return parts[0][1]
    return parts


def _contents(message: Message, attachments: dict[str, str]) -> str | list[Any]:
    if not isinstance(message.content, list):
        text = message.content or ""
        return attachments.get(text, text)
    parts: list[Any] = []
    for part in message.content:
        text = part.text or part.image or part.audio or part.video or part.document or ""
        parts.append([part.type, attachments.get(text, text)])
    if all(kind == "text" for kind, _ in parts):
        return "\n".join(text for _, text in parts)
    return parts


def attachments_of(sample: Sample, document: Document) -> dict[str, str]:
    """Contents by reference, decoded only where the sample's input refers to one."""
    if not _refers(sample.input) and not isinstance(sample, TextSample):
        return {}
    try:
        found = read_as(document, ATTACHMENTS)[0].attachments or {}
    except DocumentError:
        return {}
    return {ATTACHED + key: text for key, text in found.items()}


def _refers(asked: str | list[Message] | None) -> bool:
    if not isinstance(asked, list):
        return bool(asked) and ATTACHED in str(asked)
    for message in asked:
        parts = message.content
        if isinstance(parts, list):
            if any(
                ATTACHED in str(text) for part in parts for text in (part.text, part.image, part.document)
            ):
                return True
        elif parts and parts.startswith(ATTACHED):
            return True
    return False


def text_of(message: Message) -> str:
    """The text of a message without its media."""
    if isinstance(message.content, list):
        return "\n".join(part.text or "" for part in message.content)
    return message.content or ""


def shown_input(asked: str | list[Message] | None, attachments: dict[str, str]) -> str:
    """The input as a person reads it."""
    question = question_of(asked, attachments)
    if not isinstance(question, list):
        return question or ""
    return "\n\n".join(
        f"{role}: {text if isinstance(text, str) else _parts(text)}" for role, text in question
    )


def _parts(parts: list[Any]) -> str:
    return "\n".join(text if kind == "text" else f"[{kind}]" for kind, text in parts)


def answer_of(sample: TextSample, attachments: dict[str, str]) -> str:
    """The last answer of the model."""
    output = sample.output
    if output is None:
        return ""
    text = output.completion or ""
    if not text and output.choices and (message := output.choices[0].message):
        text = text_of(message)
    return attachments.get(text, text)


def systems_of(messages: str | list[Message] | None) -> list[str]:
    """The texts of system messages."""
    if not isinstance(messages, list):
        return []
    return [text_of(message) for message in messages if message.role == "system"]
