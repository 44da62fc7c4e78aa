"""When votes are enough and who gives them, as fields of a form."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.domain import OverlapPolicy, RoundRules
from app.errors import InvalidInput
from app.services.routing_text import EXAMPLE, routing_text, with_routing
from app.ui.components.page import show_error


def collecting_fields(rules: RoundRules, *, key: str) -> RoundRules:
    """Fields for policy, audits, shares and routing; returns what they say.

    Args:
        rules: what they begin with.
        key: unique on the page.
    """
    left, right = st.columns(2)
    with left:
        policy = st.selectbox(
            "When votes are enough", list(OverlapPolicy), list(OverlapPolicy).index(rules.policy),
            format_func=_POLICIES.__getitem__, key=f"{key}-policy", help=_POLICY,
        )  # fmt: skip
        audit_share = st.number_input(
            "Early stops that go on to all votes, %", 0, 100, round(rules.audit_share * 100), key=f"{key}-audit-share",
            help=_AUDIT_SHARE,
        )  # fmt: skip
    with right:
        share = st.number_input(
            "Largest share of one rater, %", 1, 100, max(1, round(rules.max_share * 100)), key=f"{key}-share",
            help=_SHARE,
        )  # fmt: skip
        batch = st.number_input(
            "Audit every so many settled comparisons", 0, 100_000, rules.audit_batch, key=f"{key}-batch", help=_BATCH
        )
        reviews = st.number_input(
            "Judgments that somebody reviews, %", 0, 100, round(rules.review_share * 100), key=f"{key}-reviews",
            help=_REVIEWS,
        )  # fmt: skip
    with st.expander("Experts and scopes"):
        text = st.text_area(
            "Routing (JSON)", routing_text(rules), key=f"{key}-routing", placeholder=EXAMPLE, height=220, help=_ROUTING
        )
    chosen = replace(
        rules,
        policy=policy,
        audit_share=int(audit_share) / 100,
        max_share=int(share) / 100,
        audit_batch=int(batch),
        review_share=int(reviews) / 100,
    )
    try:
        return with_routing(chosen, text)
    except InvalidInput as error:
        show_error(error)
        st.caption("The routing that the round has stays until this is right.")
        return chosen


_POLICIES = {
    OverlapPolicy.FIXED: "when every vote of the overlap is in",
    OverlapPolicy.CURTAILED: "when no further vote can change the decision",
    OverlapPolicy.POSTERIOR: "when a posterior, checked on gold, is sure enough",
}
_POLICY = "The second decides as the first does, with about a fifth fewer votes. The third falls back to the second \
where there are fewer than 100 gold answers, or where it is not as good as a majority on gold it has not seen."
_AUDIT_SHARE = "They measure how often stopping early is right, and keep agreement measurable."
_SHARE = "Nobody shapes the labels alone. 100 sets no cap."
_BATCH = "A sample of them then waits under Audits. 0: audits start by hand."
_REVIEWS = "Drawn by lot. Reviewers accept them or change them under Review, a designer settles where the two differ; \
the attempt stays as it was given. 0: none."
_ROUTING = "Experts give the further votes on contested comparisons. Scopes divide the criteria among kinds of rater; \
a round keeps its scopes for good."
