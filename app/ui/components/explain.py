"""What the numbers mean, in plain words: one click away from every picture."""

from __future__ import annotations

import streamlit as st

from app.ui.words import say

TEXTS = {
    "agreement": """
Take two raters who judged the same comparison. **Percent agreement** is how often they said the same. Two people who
toss coins agree half of the time, so the number flatters.

**Krippendorff's alpha** takes chance out: 1 is perfect, 0 is what coins give, below 0 is systematic contradiction.
*Nominal* counts an answer as right or wrong; *ordinal* and *interval* forgive a near miss on the scale. From .80 on one
can build on it; from .67 on tentatively; below, use several votes per comparison.

**Fleiss' kappa**, **Gwet's AC1** and **AC2** do the same with other ideas of chance; where alpha is low and AC1 is
high, nearly everybody gives the same answer. The **human ceiling** is how well one vote predicts the rest: no model
that learns from these votes can be shown to do better.

The line through each point is the 95 % interval: with other comparisons of the same kind, the number would lie there.
""",
    "consensus": """
**Majority** is what most votes say; a tie stays a tie. **One-coin** gives every rater one reliability, **Dawid-Skene**
a whole table of their habits; both weigh raters by how well they agree with the others, *anchored* ones also by gold.

A method states how sure it is. **Stated against realised** compares that with gold answers that it has not seen: on the
diagonal it is honest, below it claims too much. A consensus is what the votes support, never the truth.

A comparison is **contested** where no answer has more than half of two or more votes. Read those first.
""",
    "raters": """
One point per rater, with the 95 % interval. A wide line means few votes: do not judge a person by it.

**Agreement with others** says who stands apart, not who errs. **Gold accuracy** says who errs, on comparisons whose
answer is known. **First shown wins** near 50 % means that the place on the screen does not matter to them.

Signs on a card deserve a look and a talk; they are never a verdict. Cards are for designers and researchers; raters
see their own.
""",
    "drift": """
Now and then a rater meets a comparison whose answer is known. **CUSUM** adds up the evidence that their answers have
become worse: a right answer lowers the line, a wrong one raises it, and it never falls below 0. At the first dashed
line (3.5) it is time for a talk and a refresher, at the second (4.5) for a pause.

Set to notice a fall from 85 % to 65 % right. A rater who stays at 85 % rarely reaches the lines: with 200 gold answers,
about one in eight does by bad luck alone. **Rolling accuracy** is the share of right answers among the last 20.
""",
    "bias": """
**First shown wins**: how often the response shown first was preferred. Order is drawn by lot, so 50 % means no bias.
**Longer wins**: how often the longer response was preferred. Longer ones may really be better; far above 50 % it is
worth asking whether raters reward length itself.

Ties are left out. The 95 % interval takes into account that one rater, or one comparison, gives several votes.
""",
    "halo": """
Somebody who likes a response finds it clear, honest and helpful alike: a **halo**. Then criteria agree that would not,
and tension is under-counted.

**The own verdict**: how much more often a criterion sides with the rater's own verdict than with the verdicts of others
on the same comparison. Raters do see different things, so this is an upper bound. **A verdict asked first** and **the
criterion before** compare judgments in which the order on the screen was another: they need rounds that draw the order.
Each is a difference of shares: 5 % means five more criteria in a hundred take the same side.
""",
    "models": """
**Strength** (Bradley-Terry with ties) is on a scale of log odds, 0 being the mean model. A difference of 1 means that
the stronger one wins 73 % of the decided votes, 2 means 88 %.

From ten raters on, intervals allow for raters with tastes of their own. The table has, beside them, the interval that
would hold if every vote were independent: where it is much narrower, a few raters weigh heavily.

It holds for these prompts and these raters. Where models never met, directly or through others, strengths cannot be
compared, and the page says so.
""",
    "map": """
Two criteria **pull apart** in a judgment where one favours this response and the other that one. The square shows how
often that happens among the judgments in which both favour something.

Much tension is no fault: helpful and harmless answers do differ. It says where your rubric needs a rule. Hardly any
tension (under 5 %) between two criteria says that they may be the same thing twice.

With fewer than 30 conflicts a pair is too rough to speak of; 93 are needed to compare pairs.
""",
    "prevails": """
When two criteria pull apart, which one does the overall verdict follow?

**Raw** counts that. A criterion that often sides with a strong third one looks strong itself, so **adjusted** asks
what would happen if nothing else pulled, from a regression on all criteria at once. Where the two differ, believe the
adjusted one. Left of the line the second criterion prevails, right of it the first.
""",
    "weights": """
**Declared** is what the rubric says a criterion should count. **Revealed** is what it does count, from a regression of
the overall verdicts on all criteria; the shares add up to 1.

An **inversion** is a pair whose order the verdicts clearly turn round. Either the rubric is wrong about what matters,
or the raters do not follow it: read examples before you decide which.
""",
    "shares": """
**Torn**: at least two criteria pull apart. **Unexplained**: there is a verdict, but no criterion favours a side; above
a quarter, the rubric probably lacks a criterion. **Defiance**: the verdict goes against every criterion that favours a
side: a slip, or something the rubric does not name. **Against the weights**: the verdict contradicts the rubric's
weighted sum. **Same criteria, opposite verdicts**: two raters see the same and decide differently: a difference of
values, not of perception.
""",
    "pilot-ambiguity": """
**Agreement** compares how far raters differ on one comparison with how far any two votes differ: 1 is perfect, 0 is
what chance gives. It is Krippendorff's alpha with one change: what any two votes differ by is taken from all criteria
on the same scale, because a pilot is too small to tell it for each. Left of the dashed line (.667) a criterion is too
vague to build on.

Read the comparisons on which raters differ most: they show which word of the question can be taken in two ways.
""",
    "pilot-redundancy": """
The **correlation** of two criteria over the comparisons, each the mean over its raters. Where it is above .7 with its
whole interval, one of the two probably tells what the other tells: merge them, or write down what keeps them apart.

**Kept apart** counts the judgments in which the two do not favour the same response.
""",
    "pilot-tension": """
Two criteria **pull apart** in a judgment where one favours this response and the other that one. That is no fault; it
says where raters will ask what counts more. Write a tension rule for the pairs that do it often.

Which of the two prevails is only said from 30 conflicts on: see the tension map.
""",
    "pilot-missing": """
**Not applicable** is what raters said; a criterion that often does not apply wants an `applies_if`.

**Unexplained**: there is a verdict, but no criterion favours a side. Above a quarter, the rubric probably lacks a
criterion. **Defiance**: the verdict goes against every criterion that favours a side.
""",
    "bridge": """
A **bridge** judges the same comparisons under the new version. Each row compares the mean of the new votes with that of
the old ones, comparison by comparison; the line is the 95 % interval, raters and comparisons taken as clusters.

**Shift** is new minus old: above 0, answers have moved towards response A (the first in the order of the ids, wherever
a rater saw it), below 0 towards B. **Bolder** is how much stronger the answers have become, whichever response they
favour. Both are in points of the scale.

Old votes **may be carried over** where both stay within a quarter of a point with their whole 90 % interval: that is a
test that they are the same, not a failure to see a difference. Where it is not shown either way, more comparisons would
tell. **Same side** is how often both versions favour the same response.
""",
    "stale": """
How much it is worth to judge a comparison again: **rests on the change** is the share of its label that comes from
criteria that mean something else now, or are new, or whose rule has changed; **near to flipping** is 1 for a divided
vote and falls as votes agree. The value is the product of the two; where the label that the rubric implies flips
already, it is the first alone.

Take the file along and import it: `steelyard priorities import CAMPAIGN priorities.jsonl`.
""",
    "camps": """
Each point is one rater: how often the first criterion prevails when the two pull apart. Raters with few conflicts have
wide lines.

**Tarone's Z** asks whether raters differ by more than chance. From 3 on they follow different rules: do not average
them. Then they are cut in two where two common shares fit best. The cut was found by looking, so the intervals of the
two camps are a little too narrow.
""",
    "implied": """
What a rubric implies from the verdicts on its criteria, for each judgment:

1. **Vetoes**: where the criteria that veto favour one response only, that response wins.
2. **Precedence**: else, where two criteria favour different responses and a rule says which prevails, the other is left
   out.
3. **Weights**: the sign of the weighted sum of what is left; equal weights where none are declared. A criterion without
   an answer adds nothing.

The label of a comparison is what most of its judgments imply; as many for either is a tie. Raters' own overall verdicts
stay what they are: nothing here changes a vote.
""",
}
"""What a popover says, in Markdown."""


def explain(name: str) -> None:
    """A button that opens the explanation."""
    explain_with(TEXTS[name], key=name)


def explain_with(text: str, *, key: str) -> None:
    """A button that opens a text of ours."""
    with st.popover(say("plain-words"), type="tertiary", key=f"explain-{key}"):
        st.markdown(text)
