"""What if: other weights, precedence or vetoes on the verdicts that are there; nothing is published."""

from __future__ import annotations

from itertools import combinations

import streamlit as st

from app.domain import Campaign, RankingMode, RaterKind, Round, RoundPurpose
from app.services import rubric_versions, trying_out
from app.services.trying_out import Trial
from app.stats.implied import SHOW_FROM, Weighing
from app.stats.results import Estimate
from app.stats.words import counted
from app.ui.components.case import show_case
from app.ui.components.explain import explain
from app.ui.components.page import errors_shown
from app.ui.components.reports import percent
from app.ui.components.text import escape
from app.ui.session import get_person, get_store
from rubrics.model import Rubric

NO_RULE = "no rule"
SHOWN = 200


def show_what_if(campaign: Campaign, kinds: tuple[RaterKind, ...]) -> None:
    """Settings on the left, what they would change on the right."""
    rounds = rubric_versions.rounds_in(get_store(), campaign.name)
    rounds = sorted(
        rounds, key=lambda one: (one.purpose is not RoundPurpose.MAIN, one.mode is RankingMode.KWAY, -one.id)
    )
    rubrics = {one.version: one.rubric for many in rubric_versions.list_versions(get_store()).values() for one in many}
    usable = [one for one in rounds if len(rubrics[one.rubric_version].criteria) > 1]
    if not usable:
        st.text("No round has a rubric with two criteria, so there is nothing to weigh.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        round_ = st.selectbox(
            "Votes of the round", usable, format_func=lambda one: one.name, key=f"if-round-{campaign.name}", width=280
        )
        explain("implied")
    rubric = rubrics[round_.rubric_version]
    left, right = st.columns([2, 3], gap="large")
    with left:
        wanted = _settings(rubric, key=f"{campaign.name}-{round_.id}")
    with right, errors_shown():
        before = trying_out.weighing_of(rubric)
        trial = trying_out.try_out(
            get_store(),
            get_person().name,
            campaign.name,
            round_name=round_.name,
            before=before,
            after=wanted,
            kinds=kinds,
        )
        _show_trial(campaign, round_, trial, is_same=before == wanted)


def _settings(rubric: Rubric, *, key: str) -> Weighing:
    """Sliders and choices that begin with what the rubric says."""
    now = trying_out.weighing_of(rubric)
    equal = round(1 / len(rubric.criteria), 2)
    st.markdown("**Weights**")
    weights = {
        one.key: st.slider(
            escape(one.name),
            0.0,
            1.0,
            round(now.weights.get(one.key, equal), 2),
            0.01,
            key=f"if-weight-{key}-{one.key}",
        )
        for one in rubric.criteria
    }
    untouched = all(weights[one.key] == round(now.weights.get(one.key, equal), 2) for one in rubric.criteria)
    st.markdown("**Which prevails when two pull apart**")
    precedence = set()
    winners = {frozenset(pair): pair[1] for pair in now.precedence}
    for first, second in combinations(rubric.criterion_keys, 2):
        options = [NO_RULE, first, second]
        chosen = st.selectbox(
            escape(f"{first} against {second}"),
            options,
            index=options.index(winners.get(frozenset((first, second)), NO_RULE)),
            key=f"if-rule-{key}-{first}-{second}",
        )
        if chosen != NO_RULE:
            precedence.add((second if chosen == first else first, chosen))
    checks = [one.key for one in rubric.criteria if one.type == "check"]
    vetoes = st.multiselect("Vetoes", checks, sorted(now.vetoes), key=f"if-veto-{key}") if checks else []
    if not any(weights.values()):
        st.caption("All weights are 0: only vetoes decide, and everything else is a tie.")
    return Weighing(now.weights if untouched else weights, frozenset(precedence), frozenset(vetoes))


def _show_fit(when: str, fit: Estimate) -> None:
    if fit.value is not None:
        share = f"{percent(fit.value)} [{percent(fit.low)}, {percent(fit.high)}]"
        st.text(f"The rubric's label is the raters' label in {share} of {fit.n:,} comparisons{when}.")


def _show_trial(campaign: Campaign, round_: Round, trial: Trial, *, is_same: bool) -> None:
    share = trial.share
    if share.value is None:
        st.text("Nobody of the chosen kinds has judged in this round.")
        return
    if share.n < SHOW_FROM:
        st.info(
            f"{counted(share.n, 'comparison')} judged in this round: what would flip is shown from {SHOW_FROM} on, "
            "because shares of fewer say little."
        )
        return
    if is_same:
        st.info("This is what the rubric says now. Move a slider, or let another criterion prevail.")
    if is_same:
        _show_fit("", trial.fits_before)
        return
    st.markdown(
        f"**{counted(len(trial.flips), 'label')} of {share.n:,} would flip** "
        + escape(f"({percent(share.value)} [{percent(share.low)}, {percent(share.high)}])")
    )
    _show_fit(" now", trial.fits_before)
    _show_fit(" then", trial.fits_after)
    if not trial.flips:
        return
    rows = [
        {
            "Comparison": one.comparison_id,
            "Now": one.before,
            "Then": one.after,
            "Raters": one.raters,
            "Judgments": one.n_judgments,
        }
        for one in trial.flips[:SHOWN]
    ]
    picked = st.dataframe(
        rows, hide_index=True, width="stretch", on_select="rerun", selection_mode="single-row", key=f"flips-{round_.id}"
    )
    chosen = [place for place in picked.selection.rows if place < len(rows)]
    if chosen:
        show_case(campaign, rows[chosen[0]]["Comparison"], key="flip")
    else:
        st.caption("Choose a row to read the comparison with its votes.")
