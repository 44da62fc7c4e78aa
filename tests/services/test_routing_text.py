"""Experts and scopes as text: what goes in comes out, and errors name the place."""

from __future__ import annotations

import pytest

from app.domain import RoundRules
from app.errors import InvalidInput
from app.services.routing_text import EXAMPLE, routing_text, with_routing


def test_a_text_comes_back_the_same() -> None:
    rules = with_routing(RoundRules(), EXAMPLE)
    assert [scope.name for scope in rules.scopes] == ["general", "safety"]
    assert rules.scopes[1].requires.met_by({"credential:md": 1})
    assert rules.experts.met_by({"medicine": 2})
    assert with_routing(RoundRules(), routing_text(rules)) == rules
    assert routing_text(RoundRules()) == ""
    assert with_routing(rules, " ") == RoundRules()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1"),
        ("[]", "write an object"),
        ('{"raters": []}', "write an object"),
        ('{"experts": {"all": []}}', "experts.all: is empty"),
        ('{"scopes": [{"name": 3}]}', r"scopes\[0\].name: must be a name"),
        ('{"scopes": [{"name": "a", "criteria": "x"}]}', r"scopes\[0\].criteria"),
        ('{"scopes": [{"name": "a", "overall": "yes"}]}', r"scopes\[0\].overall"),
        ('{"scopes": [{"name": "a", "requires": {"all": [{}]}}]}', r"scopes\[0\].requires.all\[0\]"),
        ('{"scopes": ["a"]}', r"scopes\[0\]: must be an object"),
    ],
)
def test_errors_name_the_place(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        with_routing(RoundRules(), text)
