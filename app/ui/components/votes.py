"""Votes side by side: who said what of every criterion, and why."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import streamlit as st

from app.domain import OVERALL, Adjudication, ErrorSpan, Judgment, RaterKind, Report
from app.services.adjudicating import Case
from app.services.desk import LETTERS, call_responses
from app.ui.components.text import excerpt, text_html
from app.ui.components.time import show_time
from rubrics.answers import BOTH_BAD, CANNOT_JUDGE, NOT_APPLICABLE, TIE, Answer

RESERVED = {TIE: "=", BOTH_BAD: "both bad", CANNOT_JUDGE: "cannot judge", NOT_APPLICABLE: "n/a"}
"""Answers beside the responses, as short as a cell allows."""


def show_votes(case: Case, counted_kinds: Sequence[RaterKind]) -> None:
    """Every vote on a case: one column per rater, then their words.

    Args:
        case: the comparison with its judgments.
        counted_kinds: the kinds that the campaign counts; the others are marked.
    """
    if not case.judgments:
        st.text("Nobody has judged this comparison.")
        return
    judgments = sorted(case.judgments, key=lambda one: _place(one, case.comparison.completion_ids))
    st.html(_table(case, judgments, counted_kinds))
    st.html("".join(_voice(one, case, counted_kinds) for one in judgments))


def show_decisions(decisions: Sequence[Adjudication], completion_ids: Sequence[str], causes: dict) -> None:
    """Earlier decisions, the one that holds last."""
    for place, decision in enumerate(decisions, start=1):
        holds = " (this one holds)" if place == len(decisions) else ""
        st.html(
            f'<div class="sy-voice"><header>{chip(decision.answer, completion_ids)}<b>{_safe(decision.by)}</b>'
            f'<span class="sy-soft">{_safe(causes[decision.cause])} · {show_time(decision.at)}{holds}</span></header>'
            f"{text_html(decision.reason)}</div>"
        )


def chip(answer: Answer | None, completion_ids: Sequence[str]) -> str:
    """An answer as a small label, in the letters of this reader's screen."""
    if answer is None:
        return '<span class="sy-chip">not asked</span>'
    colour = f" sy-{_letter(answer.preferred, completion_ids)}" if answer.preferred in completion_ids else ""
    return f'<span class="sy-chip{colour}">{_safe(in_letters(answer, completion_ids))}</span>'


def in_letters(answer: Answer, completion_ids: Sequence[str]) -> str:
    """An answer in words: "A3", "=", "A 4, B 2", "A = C > B"."""
    if answer.preferred is not None:
        if answer.preferred not in completion_ids:
            return RESERVED.get(answer.preferred, answer.preferred)
        strength = "" if answer.strength is None else f"{answer.strength:g}"
        return f"{_letter(answer.preferred, completion_ids)}{strength}"
    if answer.scores is not None:
        return ", ".join(f"{_letter(key, completion_ids)} {score:g}" for key, score in answer.scores.items())
    if answer.checks is not None:
        return ", ".join(
            f"{_letter(key, completion_ids)} {'yes' if yes else 'no'}" for key, yes in answer.checks.items()
        )
    groups = (" = ".join(_letter(key, completion_ids) for key in group) for group in answer.ranking or ())
    return " > ".join(groups)


def _table(case: Case, judgments: Sequence[Judgment], counted_kinds: Sequence[RaterKind]) -> str:
    names = {criterion.key: criterion.name for criterion in case.rubric.criteria}
    asked = {key for judgment in judgments for key in judgment.answers}
    keys = [*(key for key in names if key in asked), *sorted(asked - {*names, OVERALL})]
    head = "".join(_head(one, counted_kinds) for one in judgments)
    rows = [_row(OVERALL, "Overall", judgments, case, whole=True)]
    rows += [_row(key, names.get(key, key), judgments, case) for key in keys]
    return (
        f'<div class="sy-scroll"><table class="sy-votes"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _head(judgment: Judgment, counted_kinds: Sequence[RaterKind]) -> str:
    dimmed = "" if judgment.rater_kind in counted_kinds else ' class="sy-uncounted"'
    nature = _safe(_nature(judgment, counted_kinds))
    return f'<th scope="col"{dimmed}>{_safe(judgment.rater)}<small>{nature}</small></th>'


def _row(key: str, name: str, judgments: Sequence[Judgment], case: Case, *, whole: bool = False) -> str:
    ids = case.comparison.completion_ids
    cells = "".join(f"<td>{chip(one.answers.get(key), ids)}</td>" for one in judgments)
    return f'<tr{" class=sy-whole" if whole else ""}><th scope="row">{_safe(name)}</th>{cells}</tr>'


def _voice(judgment: Judgment, case: Case, counted_kinds: Sequence[RaterKind]) -> str:
    ids = case.comparison.completion_ids
    facts = [_nature(judgment, counted_kinds)]
    if judgment.confidence is not None:
        facts.append(f"confidence {judgment.confidence} of 5")
    if judgment.seconds is not None:
        facts.append(f"{judgment.seconds:.0f} s")
    if judgment.revision:
        facts.append(f"revised {judgment.revision} time{'s' if judgment.revision > 1 else ''}")
    texts = {one.id: one.text for one in case.comparison.completions}
    said = call_responses(judgment.justification, ids).strip()
    words = text_html(said) if said else '<p class="sy-soft">No justification.</p>'
    return (
        f'<div class="sy-voice"><header>{chip(judgment.answers.get(OVERALL), ids)}<b>{_safe(judgment.rater)}</b>'
        f'<span class="sy-soft">{_safe(" · ".join(facts))}</span></header>{words}{besides(judgment, texts)}</div>'
    )


def _marked(span: ErrorSpan, texts: Mapping[str, str]) -> str:
    """A passage that the rater marked as wrong."""
    ids = list(texts)
    note = f": {call_responses(span.note, ids)}" if span.note else ""
    passage = excerpt(texts[span.completion][span.start : span.end], 160)
    return f"Marked in {_letter(span.completion, ids)}, {span.criterion}: “{passage}”{note}"


def besides(judgment: Judgment, texts: Mapping[str, str]) -> str:
    """The passages that the rater marked, the tensions that they declared, and what they flagged."""
    ids = list(texts)
    lines = [_marked(span, texts) for span in judgment.error_spans]
    for tension in judgment.tensions:
        settled = f"{tension.prevailed} prevailed" if tension.prevailed else "neither prevailed"
        why = f": {call_responses(tension.why, ids)}" if tension.why else ""
        lines.append(f"Torn between {tension.between[0]} and {tension.between[1]}; {settled}{why}")
    lines += [_flagged(report, ids) for report in judgment.reports]
    return "".join(f'<p class="sy-torn">{_safe(line)}</p>' for line in lines)


def _flagged(report: Report, ids: Sequence[str]) -> str:
    said = f": {call_responses(report.text, ids)}" if report.text else ""
    return f"Flagged as {report.kind.replace('_', ' ')}{said}"


def _nature(judgment: Judgment, counted_kinds: Sequence[RaterKind]) -> str:
    parts = [judgment.rater_kind.value]
    if judgment.rater_kind not in counted_kinds:
        parts.append("not counted")
    if judgment.repeat_index:
        parts.append("blind repeat")
    return ", ".join(parts)


def _place(judgment: Judgment, ids: Sequence[str]) -> tuple[int, str, str]:
    """Votes that say the same stand together."""
    answer = judgment.answers.get(OVERALL)
    if answer is None:
        return len(ids) + 9, "", judgment.rater
    if answer.preferred in ids:
        return ids.index(str(answer.preferred)), f"{-(answer.strength or 0):09.3f}", judgment.rater
    return len(ids), in_letters(answer, ids), judgment.rater


def _letter(completion_id: str | None, ids: Sequence[str]) -> str:
    return LETTERS[ids.index(completion_id)] if completion_id in ids else str(completion_id)


def _safe(text: object) -> str:
    return html.escape(str(text))
