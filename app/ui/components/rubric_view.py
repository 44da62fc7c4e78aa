"""A rubric to read: as a paper, as a list of differences, and as a list of what is wrong with it."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Sequence

import streamlit as st

from app.ui.components.text import text_html
from rubrics.difference import Change
from rubrics.errors import RubricError, RubricProblem
from rubrics.model import Criterion, Example, Rubric, TensionRule

TYPE_WORDS = {
    "preference_scale": "Which of the two, on a scale of {points} points",
    "scores": "A rating from {minimum} to {maximum} for each response",
    "check": "Yes or no for each response",
    "ranking": "A ranking of the responses, ties allowed",
}
"""How each type of criterion is asked, in words."""

_TOKENS = re.compile(r"\s+|\d+\.\d+|\w+|[^\w\s]")


def show_rubric(rubric: Rubric, facts: Sequence[str]) -> None:
    """The whole rubric as a paper.

    Args:
        rubric: the rubric.
        facts: what stands under the title, such as when it was published.
    """
    line = " · ".join([f"<code>{rubric.key}</code>", f"version <code>{rubric.version[:12]}</code>", *map(_safe, facts)])
    parts = [f'<h2>{_safe(rubric.title)}</h2><p class="sy-facts">{line}</p>']
    if rubric.instructions:
        parts.append(f'<div class="sy-lead">{text_html(rubric.instructions)}</div>')
    if rubric.criteria:
        parts.append(_chapter("Criteria"))
        parts += [_criterion(rubric, criterion) for criterion in rubric.criteria]
    if rubric.tensions:
        parts.append(_chapter("When criteria pull apart"))
        parts.append(f"<div>{''.join(_rule(rubric, rule) for rule in rubric.tensions)}</div>")
    parts.append(_chapter("Overall and justification"))
    parts.append(_list(_rules_in_words(rubric)))
    st.html(f'<article class="sy-paper">{"".join(parts)}</article>')


def show_changes(changes: Sequence[Change]) -> None:
    """Differences, those of meaning first, with the words that came and went marked."""
    items = [
        f'<div class="sy-change"><h4>{_safe(change.place)}<span class="sy-tag">{change.kind}</span>'
        f'<span class="sy-tag sy-{change.effect}">{change.effect}</span>'
        f'<span class="sy-soft">{_safe(change.why)}</span></h4>'
        f'<p class="sy-diff">{word_difference(change.before, change.after)}</p></div>'
        for change in sorted(changes, key=lambda change: change.effect != "meaning")
    ]
    st.html(f'<div class="sy-paper">{"".join(items)}</div>')


def word_difference(before: str, after: str) -> str:
    """One text in which removed words are `<del>` and new ones `<ins>`; everything is escaped."""
    old, new = _TOKENS.findall(before), _TOKENS.findall(after)
    parts = []
    for kind, i, k, m, n in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(_safe("".join(old[i:k])))
            continue
        if k > i:
            parts.append(f"<del>{_safe(''.join(old[i:k]))}</del>")
        if n > m:
            parts.append(f"<ins>{_safe(''.join(new[m:n]))}</ins>")
    return "".join(parts).replace("\n", "<br>")


def show_problems(error: RubricError, text: str) -> None:
    """Everything that is wrong with a document, each with its line."""
    lines = text.split("\n")
    items = "".join(f"<li>{_problem(problem, lines)}</li>" for problem in error.problems)
    st.html(f'<ul class="sy-problems" aria-label="Problems">{items}</ul>')


def type_in_words(criterion: Criterion) -> str:
    """How a criterion is asked."""
    words = TYPE_WORDS[criterion.type].format(
        points=criterion.points, minimum=criterion.minimum, maximum=criterion.maximum
    )
    extra = ["a no vetoes the response"] if criterion.veto else []
    extra += ["may not apply"] if criterion.allow_not_applicable else []
    extra += [
        f"asked only where {key} is {' or '.join(map(str, accepted))}" for key, accepted in criterion.applies_if.items()
    ]
    return "; ".join([words, *extra])


def _problem(problem: RubricProblem, lines: Sequence[str]) -> str:
    place = f"<b>Line {problem.line}</b>, " if problem.line else ""
    remedy = problem.remedy if problem.remedy.endswith("?") else f"{problem.remedy}."
    said = f"{place}<code>{_safe(problem.field)}</code>: {_safe(problem.reason)}. To do: {_safe(remedy)}"
    if problem.line and problem.line <= len(lines) and lines[problem.line - 1].strip():
        said += f"<pre>{problem.line:>4} | {_safe(lines[problem.line - 1])}</pre>"
    return said


def _criterion(rubric: Rubric, criterion: Criterion) -> str:
    share = rubric.declared_weights().get(criterion.key)
    weight = ""
    if share is not None:
        width = f"{100 * share:.0f}"
        weight = f'<span class="sy-weight"><i><b style="width:{width}%"></b></i>{width} % of the weight</span>'
    parts = [
        f'<header><h3>{_safe(criterion.name)}</h3><span class="sy-key">{criterion.key}</span>{weight}</header>',
        f'<p class="sy-ask">{_safe(criterion.question)}</p>',
        text_html(criterion.guidance) if criterion.guidance else "",
        f'<p class="sy-how">{_safe(type_in_words(criterion))}.</p>',
        _anchors(criterion),
    ]
    if criterion.examples:
        n = len(criterion.examples)
        examples = "".join(map(_example, criterion.examples))
        parts.append(f"<details><summary>{n} example{'s' if n > 1 else ''}</summary>{examples}</details>")
    return f'<section class="sy-card">{"".join(parts)}</section>'


def _anchors(criterion: Criterion) -> str:
    if not criterion.anchors:
        return ""
    names = {0: "no", 1: "yes"} if criterion.type == "check" else {}
    rows = "".join(
        f"<dt>{names.get(point, point)}</dt><dd>{_safe(text)}</dd>" for point, text in sorted(criterion.anchors.items())
    )
    return f'<dl class="sy-scale">{rows}</dl>'


_PREFERS = {
    "a": "The first is better.",
    "b": "The second is better.",
    "tie": "They are equal.",
    "not_applicable": "The criterion does not apply.",
    "cannot_judge": "It cannot be judged.",
}


def _example(example: Example) -> str:
    sides = "".join(
        f'<div{_better(example, side)}><p class="sy-small">{name}</p>{_safe(text)}</div>'
        for side, name, text in (("a", "First", example.a), ("b", "Second", example.b))
    )
    return (
        f'<div class="sy-sample"><p><b>{_safe(example.prompt)}</b></p><div class="sy-two">{sides}</div>'
        f"<p>{_PREFERS[example.prefer]} {_safe(example.why)}</p></div>"
    )


def _better(example: Example, side: str) -> str:
    return ' class="sy-better"' if example.prefer == side else ""


def _rule(rubric: Rubric, rule: TensionRule) -> str:
    names = [rubric.criterion(key).name for key in rule.between]
    decides = "the context decides" if rule.prevailing is None else f"{rubric.criterion(rule.prevailing).name} prevails"
    return (
        f'<div class="sy-rule"><p><b>{_safe(names[0])}</b> against <b>{_safe(names[1])}</b>:<br>{_safe(decides)}</p>'
        f"{text_html(rule.guidance) if rule.guidance else '<div></div>'}</div>"
    )


def _rules_in_words(rubric: Rubric) -> list[str]:
    overall, words = rubric.overall, rubric.justification
    said = [f"The overall verdict on two responses is given on {overall.points} points."]
    said.append("Ties are allowed." if overall.allow_tie else "Ties are not allowed.")
    said.append("Both may be called bad." if overall.allow_both_bad else "Both cannot be called bad.")
    said.append(
        f"A justification has at least {words.min_words} words." if words.min_words else "A justification is optional."
    )
    if words.must_name_criterion:
        said.append("It names a criterion.")
    if words.required_on_tension:
        said.append("It is required where two criteria favour different responses.")
    if words.must_settle_tension:
        said.append("Where criteria pull apart, the rater says which of the two prevailed, or that neither did.")
    if words.quotes_must_exist:
        said.append("What it quotes must stand in the response.")
    if words.must_not_repeat:
        said.append("It may not nearly repeat an earlier one of the same rater.")
    if words.must_match_choice:
        said.append("It may not call another response the better one than the overall verdict does.")
    if words.advisory:
        said.append(f"Only advice, which stops nobody: {', '.join(words.advisory)}.")
    return said


def _chapter(title: str) -> str:
    return f'<div class="sy-chapter">{title}</div>'


def _list(items: Sequence[str]) -> str:
    return f'<ul class="sy-plain">{"".join(f"<li>{_safe(item)}</li>" for item in items)}</ul>'


def _safe(text: object) -> str:
    return html.escape(str(text))
