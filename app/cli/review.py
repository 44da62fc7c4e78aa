"""`steelyard review`: how far the reviews of a campaign are, and what they say."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from app.cli.console import CampaignArgument, JsonOption, opened_store, print_json, print_table, say

review_app = typer.Typer(help="Reviews of what raters hand in.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(review_app, name="review")


@review_app.command()
def status(
    campaign: CampaignArgument,
    actor: Annotated[str, typer.Option("--as", metavar="NAME", help="An account that adjudicates in the campaign.")],
    as_json: JsonOption = False,
) -> None:
    """Show what waits, what was changed, and how right the reviewers are."""
    from app.services.review_summary import summarise
    from app.services.reviewing import waiting

    with opened_store() as store:
        left = waiting(store, actor, campaign)
        found = summarise(store, actor, campaign)
    if as_json:
        print_json({"waiting": {level.value: one.n for level, one in left.items()}, **_document(found)})
        return
    say(
        f"{found.n_reviewed:,} of {found.n_attempts:,} attempts reviewed, {found.n_edits:,} would be changed, "
        f"{found.n_settled:,} of these settled; in {found.n_changed:,} other answers count."
    )
    for level, one in left.items():
        say(f"{one.n:,} wait for a {'senior' if level == 'senior' else 'reviewer'}.")
    if found.reviewers:
        rows = [
            (one.name, one.n_reviews, _share(one.edits), _share(one.upheld), _share(one.right_on_gold))
            for one in found.reviewers
        ]
        print_table(("reviewer", "reviews", "would change", "upheld", "right on gold"), rows)


def _document(found: Any) -> dict[str, Any]:
    counts = {key: value for key, value in asdict(found).items() if key.startswith("n_")}
    raters = [
        {"rater": one.rater, "n_reviewed": one.n_reviewed, "changed": one.changed.to_json()} for one in found.raters
    ]
    reviewers = [
        {
            "reviewer": one.name,
            "n_reviews": one.n_reviews,
            "edits": one.edits.to_json(),
            "upheld": one.upheld.to_json(),
            "right_on_gold": one.right_on_gold.to_json(),
        }
        for one in found.reviewers
    ]
    return {**counts, "raters": raters, "reviewers": reviewers}


def _share(found: Any) -> str:
    return "" if found.value is None else f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}], n = {found.n}"
