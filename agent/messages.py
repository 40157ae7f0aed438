"""What is said to a language model: a text to go on with, or turns of a conversation (langchain-core messages)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.messages import MessageLikeRepresentation

    Messages = str | Sequence[MessageLikeRepresentation]
    """A text, continued as it stands; or turns: messages of langchain-core, or pairs like ("human", "Hello")."""

_SPEAKER = {"system": "System", "user": "User", "assistant": "Assistant"}


def turns(messages: Messages) -> list[dict[str, str]]:
    """The turns as {"role": system | user | assistant, "content": text}; a text alone is one turn of the user."""
    from langchain_core.messages import convert_to_messages, convert_to_openai_messages

    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    if not messages:
        raise ValueError("Expected a text or at least one message, got none.")
    said: Any = convert_to_openai_messages(convert_to_messages(messages), text_format="string")
    for turn in said:
        if turn["role"] not in _SPEAKER:
            raise ValueError(f"Expected turns of {', '.join(_SPEAKER)}, got one of {turn['role']!r}.")
    return [{"role": turn["role"], "content": turn["content"]} for turn in said]


def joined(messages: Messages) -> str:
    """What a base model reads: a text as it stands, turns as lines with their speaker, open for the assistant's."""
    if isinstance(messages, str):
        return messages
    lines = [f"{_SPEAKER[turn['role']]}: {turn['content']}" for turn in turns(messages)]
    return "\n".join([*lines, "Assistant:"])


def rendered(messages: Messages, tokenizer: Any) -> str:
    """What the model of `tokenizer` reads: turns by its chat template, if it has one, else joined."""
    if isinstance(messages, str) or not getattr(tokenizer, "chat_template", None):
        return joined(messages)
    return tokenizer.apply_chat_template(turns(messages), tokenize=False, add_generation_prompt=True)
