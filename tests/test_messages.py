"""What is said to a language model: texts, messages, pairs."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from doable.agent.messages import joined, rendered, turns

TURNS = [("system", "Be short."), HumanMessage("Hello"), AIMessage("Hi"), ("human", "Where is the coke?")]


class WithTemplate:
    chat_template = "yes"

    def apply_chat_template(self, turns, tokenize, add_generation_prompt):
        assert not tokenize
        assert add_generation_prompt
        return "".join(f"<{t['role']}>{t['content']}" for t in turns) + "<assistant>"


def test_messages_and_pairs_are_turns():
    assert [turn["role"] for turn in turns(TURNS)] == ["system", "user", "assistant", "user"]
    assert turns([SystemMessage("x")]) == [{"role": "system", "content": "x"}]
    assert turns("Hello") == [{"role": "user", "content": "Hello"}]


def test_a_text_is_continued_as_it_stands():
    assert joined("Once upon a") == rendered("Once upon a", WithTemplate()) == "Once upon a"


def test_a_base_model_reads_a_dialogue():
    words = "System: Be short.\nUser: Hello\nAssistant: Hi\nUser: Where is the coke?\nAssistant:"
    assert joined(TURNS) == rendered(TURNS, object()) == words


def test_an_instruct_model_reads_its_template():
    assert rendered([("human", "Hello")], WithTemplate()) == "<user>Hello<assistant>"


def test_no_messages_and_unknown_speakers_are_refused():
    with pytest.raises(ValueError, match="at least one message"):
        turns([])
    with pytest.raises(ValueError, match="'tool'"):
        turns([{"role": "tool", "content": "x", "tool_call_id": "1"}])
