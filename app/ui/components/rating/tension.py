"""Where criteria pull apart: said at the moment it appears, with the rubric's rule, without forcing agreement."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import streamlit as st

from app.ui.components.rating.answer_widgets import letter
from app.ui.components.rating.form_state import NEITHER, OWN, Form, tension_name
from app.ui.components.text import escape, escape_html
from app.ui.words import say
from rubrics.answers import Answer
from rubrics.model import OVERALL
from rubrics.tensions import AT_MOST, SeenTension, spoken_of


def show_tensions(form: Form) -> None:
    """The notices: which criteria favour what, the rubric's rule, and which of the two prevailed."""
    spoken = spoken_of(form.desk.rubric, form.tensions)
    for place, tension in enumerate(spoken[:AT_MOST]):
        _show(form, tension, is_open=place == 0)
    if len(spoken) > AT_MOST:
        n_more = len(spoken) - AT_MOST
        st.caption(say("weaker-tension") if n_more == 1 else say("weaker-tensions", n=n_more))
    lean = _against_weights(form)
    if lean:
        with st.container(key=form.key("lean-box")):
            st.html(f'<div class="sy-tension" role="status"><p>{lean}</p></div>')
    if form.desk.asks_everything and len(form.desk.assignment.criteria_shown) > 1:
        _show_own(form, [tension.between for tension in spoken[:AT_MOST]])


def _show_own(form: Form, seen: list[tuple[str, str]]) -> None:
    """Tensions that the rater sees and the numbers do not show."""
    names = {key: form.desk.rubric.criterion(key).name for key in form.desk.assignment.criteria_shown}
    pairs = [pair for pair in combinations(sorted(names), 2) if pair not in seen]
    own = [tuple(pair) for pair in form.value(OWN) or () if tuple(pair) in pairs]
    st.session_state[form.key(OWN)] = own
    st.multiselect(
        say("own-tension"),
        pairs,
        key=form.key(OWN),
        format_func=lambda pair: f"{names[pair[0]]} ↔ {names[pair[1]]}",
        on_change=form.changed,
        placeholder=say("own-tension-hint"),
    )
    for pair in own:
        said = say("declared", first=escape_html(names[pair[0]]), second=escape_html(names[pair[1]]))
        with st.container(key=form.key(f"{tension_name(pair)}-box"), gap="small"):
            st.html(f'<div class="sy-tension"><p>{said}</p></div>')
            _ask(form, pair, names, always_why=True)


def _show(form: Form, tension: SeenTension, *, is_open: bool) -> None:
    rubric, shown = form.desk.rubric, form.desk.assignment.shown
    i, j = tension.between
    names = {key: rubric.criterion(key).name for key in (i, j)}
    rule = rubric.tension_rule(i, j)
    said = f" {say('and')} ".join(
        say("favours", criterion=f"<b>{escape_html(names[key])}</b>", letter=_letter(tension.favoured[key], shown))
        for key in (i, j)
    )
    lines, guidance = [f"{said}."], ""
    if rule is not None and rule.prevailing is not None:
        lines.append(say("rubric-prevails", criterion=f"<b>{escape_html(names[rule.prevailing])}</b>"))
        if _goes_against(form, tension, rule.prevailing):
            lines.append(say("other-way"))
    if rule is not None and rule.guidance:
        said_so = f'<p class="sy-guidance">{escape_html(rule.guidance)}</p>'
        guidance = said_so if is_open else f"<details><summary>{say('what-rubric-says')}</summary>{said_so}</details>"
    if is_open and rubric.justification.required_on_tension and not form.value("why"):
        lines.append(say("reason-required"))
    name = tension_name(tension.between)
    with st.container(key=form.key(f"{name}-box"), gap="small"):
        st.html(f'<div class="sy-tension" role="status"><p>{" ".join(lines)}</p>{guidance}</div>')
        _ask(form, (i, j), names, must_answer=rubric.justification.must_settle_tension)


def _ask(
    form: Form,
    between: tuple[str, str],
    names: Mapping[str, str],
    *,
    always_why: bool = False,
    must_answer: bool = False,
) -> None:
    """Which of the two prevailed, and why."""
    name, (i, j) = tension_name(between), between
    asked = say("which-prevailed", first=escape(names[i]), second=escape(names[j]))
    st.segmented_control(
        asked if must_answer else say("if-you-like", asked=asked),
        [i, j, NEITHER],
        key=form.key(name),
        format_func=lambda key: escape(names[key]) if key in names else say("neither"),
        on_change=form.changed,
        width="stretch",
    )
    if always_why or form.value(name):
        st.text_input(say("why"), key=form.key(f"{name}-why"), on_change=form.changed, placeholder=say("few-words"))


def _against_weights(form: Form) -> str:
    """A sentence where the overall choice of a pair contradicts the rubric's vetoes or weights, empty elsewhere."""
    rubric, shown = form.desk.rubric, form.desk.assignment.shown
    overall = form.answers.get(OVERALL)
    if len(shown) != 2 or overall is None or not form.desk.asks_everything:
        return ""
    first, second = sorted(shown)
    answers = form.complete_answers
    values = {key: rubric.signed_value(key, answer, first, second) or 0.0 for key, answer in answers.items()}
    if set(values) != set(form.desk.assignment.criteria_shown):
        return ""
    total = rubric.leaning(values) or 0.0
    choice = rubric.signed_value(OVERALL, overall, first, second) or 0.0
    if total * choice >= 0 or abs(total) < 0.05:
        return ""
    leaning, chosen = (first, second) if total > 0 else (second, first)
    return say("against-weights", leaning=_letter(leaning, shown), chosen=_letter(chosen, shown))


def _goes_against(form: Form, tension: SeenTension, prevailing: str) -> bool:
    overall: Answer | None = form.answers.get(OVERALL)
    if overall is None:
        return False
    other = next(key for key in tension.between if key != prevailing)
    wanted, unwanted = tension.favoured[prevailing], tension.favoured[other]
    if overall.ranking is not None and not {wanted, unwanted} <= {key for group in overall.ranking for key in group}:
        return False
    return (form.desk.rubric.signed_value(OVERALL, overall, wanted, unwanted) or 0.0) < 0


def _letter(completion_id: str, shown: tuple[str, ...]) -> str:
    name = letter(str(shown.index(completion_id) + 1))
    return f'<span class="sy-letter sy-{name}">{name}</span>'
