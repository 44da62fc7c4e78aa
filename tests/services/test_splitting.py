"""Groups and splits: near-duplicates together, stable by hash, no group in two splits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Message
from app.errors import InvalidInput
from app.services.splitting import Groups, assign_splits, form_groups
from app.store.queries import ComparisonFacts

LONG = (
    "Please explain to a curious child of ten years how the tides of the sea follow the moon and the sun every day,"
    " why they come later each time, and what a harbour master has to know about them before a ship may leave"
)


def groups_of(prompts: list[Any], *, split_by: str = "prompt", metas: list[dict[str, Any]] | None = None) -> Groups:
    """Groups of comparisons 0, 1, ... with these prompts: texts, or lists of turns by user and assistant in turn."""
    messages = {}
    facts = []
    for at, prompt in enumerate(prompts):
        turns = [prompt] if isinstance(prompt, str) else prompt
        key = repr(prompt)
        messages[key] = tuple(Message("assistant" if i % 2 else "user", text) for i, text in enumerate(turns))
        facts.append(ComparisonFacts(at, str(at), key, metas[at] if metas else {}))
    return form_groups(facts, messages.items(), split_by=split_by)


def test_prompts_that_differ_in_case_space_and_punctuation_are_one_group() -> None:
    found = groups_of(["What is  a tide?", "what is a TIDE", "What is a moon?"]).group_of
    assert found["0"] == found["1"] != found["2"]


def test_near_duplicates_are_one_group_and_others_are_not() -> None:
    near = LONG.replace("ten years", "ten years or so")
    found = groups_of([LONG, near, LONG.replace(" the ", " that one ")])
    assert found.group_of["0"] == found.group_of["1"] != found.group_of["2"]
    assert found.n_near_duplicates == 1


def test_two_moments_of_one_conversation_are_one_group() -> None:
    found = groups_of([["Hello there", "Hi! How can I help?", "Tell me a joke"], ["Hello there"], ["Goodbye"]]).group_of
    assert found["0"] == found["1"] != found["2"]


def test_short_templates_do_not_melt_together() -> None:
    names = ("tea", "coffee", "sugar", "salt")
    assert len(set(groups_of([f"Should {name} be taxed?" for name in names]).group_of.values())) == 4


def test_a_shared_system_message_ties_nothing() -> None:
    facts = [ComparisonFacts(i, str(i), str(i), {}) for i in range(2)]
    prompts = [
        (str(i), (Message("system", LONG), Message("user", text))) for i, text in enumerate(("What is tea?", "Why?"))
    ]
    assert len(set(form_groups(facts, prompts, split_by="prompt").group_of.values())) == 2


def test_withdrawn_prompts_stay_apart() -> None:
    facts = [ComparisonFacts(i, str(i), f"hash{i}", {}) for i in range(2)]
    found = form_groups(facts, [("hash0", ()), ("hash1", ())], split_by="prompt").group_of
    assert found["0"] != found["1"]


def test_by_a_key_of_the_meta() -> None:
    metas = [{"topic": "t"}, {"topic": "t"}, {"topic": "u"}, {"topic": ["u"]}, {}]
    found = groups_of(["one tea", "two cups", "red sky", "blue sea", "last"], split_by="meta.topic", metas=metas)
    assert found.group_of["0"] == found.group_of["1"] == 'meta.topic="t"'
    assert len(set(found.group_of.values())) == 4
    assert found.n_without_key == 1


def test_near_duplicates_tie_two_values_of_a_key() -> None:
    metas = [{"topic": "t"}, {"topic": "u"}, {"topic": "u"}]
    found = groups_of([LONG, LONG + "!", "other words"], split_by="meta.topic", metas=metas).group_of
    assert set(found.values()) == {'meta.topic="t"'}


def test_a_later_comparison_moves_no_earlier_one() -> None:
    prompts = [f"Question number {i} about thing {i * 7}" for i in range(50)]
    assert groups_of(prompts).group_of.items() <= groups_of([*prompts, LONG, prompts[3] + "?"]).group_of.items()


@pytest.mark.parametrize("split_by", ["topic", "meta.", "metatopic"])
def test_an_unknown_way_is_refused(split_by: str) -> None:
    with pytest.raises(InvalidInput, match=r"use prompt, or meta\.KEY"):
        groups_of(["a"], split_by=split_by)


def test_a_key_that_nobody_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="language, topic"):
        groups_of(["a", "b"], split_by="meta.theme", metas=[{"topic": 1}, {"language": "de"}])


def test_shares_are_kept_roughly_and_the_order_is_free() -> None:
    names = [f"group {i}" for i in range(2000)]
    split = assign_splits(names, (0.8, 0.1, 0.1))
    sizes = Counter(split.split_of.values())
    assert abs(sizes["train"] - 1600) < 80
    assert abs(sizes["test"] - 200) < 60
    assert (split.omitted, split.moved) == ((), ())
    assert assign_splits(reversed(names), (0.8, 0.1, 0.1)).split_of == split.split_of


@given(st.lists(st.text(max_size=5), min_size=3, max_size=12, unique=True))
def test_with_three_groups_no_split_is_empty(names: list[str]) -> None:
    split = assign_splits(names, (0.8, 0.1, 0.1))
    assert set(split.split_of.values()) == {"train", "validation", "test"}
    assert set(split.split_of) == set(names)


def test_too_few_groups_leave_a_split_out() -> None:
    assert set(assign_splits(["only"], (0.8, 0.1, 0.1)).split_of.values()) == {"train"}
    two = assign_splits(["one", "two"], (0.8, 0.1, 0.1))
    assert set(two.split_of.values()) == {"train", "test"}
    assert two.omitted == ("validation",)
    assert assign_splits(["one", "two"], (1, 0, 0)).omitted == ()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.2, -0.1), (0.5, 0.1, 0.1)])
def test_bad_shares_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInput, match="summing to 1"):
        assign_splits(["one"], shares)
