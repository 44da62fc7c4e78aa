"""Experts and scopes of a round as text that people edit: JSON, with errors that name the place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from app.domain import RoundRules, Scope
from app.errors import InvalidInput
from app.requirements import RequirementError, from_dict

EXAMPLE = """{
  "experts": {"all": [{"skill": "medicine", "level": 2}]},
  "scopes": [
    {"name": "general", "criteria": ["helpfulness"], "overall": true},
    {"name": "safety", "criteria": ["harmlessness"], "requires": {"any": [{"skill": "safety"}, {"credential": "md"}]}}
  ]
}"""
"""What such a text may say."""


def routing_text(rules: RoundRules) -> str:
    """The experts and scopes of a round as text; empty where there are none."""
    document: dict[str, Any] = {}
    if rules.experts:
        document["experts"] = rules.experts.to_dict()
    if rules.scopes:
        document["scopes"] = [_plain(scope) for scope in rules.scopes]
    return json.dumps(document, indent=2, ensure_ascii=False) if document else ""


def with_routing(rules: RoundRules, text: str) -> RoundRules:
    """The rules with the experts and scopes that a text says; an empty text says none.

    Raises:
        InvalidInput: which part of the text is wrong, and why.
    """
    try:
        document = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        raise InvalidInput(f"Routing, line {error.lineno}: {error.msg}. Write JSON, or leave it empty.") from error
    if not isinstance(document, dict) or not document.keys() <= {"experts", "scopes"}:
        raise InvalidInput("Routing: write an object with experts, scopes or both.")
    try:
        experts = from_dict(document.get("experts"), "experts")
        scopes = tuple(_scope(one, f"scopes[{place}]") for place, one in enumerate(document.get("scopes") or ()))
    except RequirementError as error:
        raise InvalidInput(f"Routing, {error}.") from error
    return replace(rules, experts=experts, scopes=scopes)


def _plain(scope: Scope) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": scope.name, "criteria": list(scope.criteria), "overall": scope.asks_overall}
    return {**plain, "requires": scope.requires.to_dict()} if scope.requires else plain


def _scope(document: Any, field: str) -> Scope:
    known = {"name", "criteria", "overall", "requires"}
    if not isinstance(document, dict) or not document.keys() <= known:
        raise RequirementError(field, f"must be an object of {', '.join(sorted(known))}")
    name, criteria, overall = document.get("name"), document.get("criteria", []), document.get("overall", False)
    if not isinstance(name, str):
        raise RequirementError(f"{field}.name", f"must be a name, is {name!r:.60}")
    if not isinstance(criteria, list) or not all(isinstance(one, str) for one in criteria):
        raise RequirementError(f"{field}.criteria", f"must be a list of criterion keys, is {criteria!r:.60}")
    if not isinstance(overall, bool):
        raise RequirementError(f"{field}.overall", f"must be true or false, is {overall!r:.60}")
    requires = from_dict(document.get("requires"), f"{field}.requires")
    return Scope(name, tuple(criteria), overall, requires)
