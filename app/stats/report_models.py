"""The models report: which model's responses win, with ties, an order effect and honest intervals."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import CLASSES, CodedVotes, code_votes
from app.stats.completions import by_unit
from app.stats.frames import OVERALL
from app.stats.intervals import normal_interval
from app.stats.raters import order_on_screen
from app.stats.report import Document, Report, heading, interval, make_report, number, percent, table, title_lines
from app.stats.strength import Games, StrengthFit, bradley_terry

MANY_RATERS = 10


def models_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    completions: pd.DataFrame | None = None,
    criterion: str = OVERALL,
) -> Report:
    """Report the strength of the models behind the responses.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        completions: a completion frame that names the models; without models the report is undefined.
        criterion: whose votes decide.

    Returns:
        `models` (strongest first): model, strength (log odds against the mean model) with interval, n_games, wins,
        losses, ties; `tie` and `order_effect`; `fit` with n_iterations, converged, error method, prior; `connected`.
    """
    coded = code_votes(votes, kinds=kinds).of(criterion)
    opening = heading(kinds, as_of_event, votes, coded) | {"criterion": criterion}
    games, names, reason = _games(coded, votes, completions)
    if games is None:
        document = opening | {"models": [], "undefined_reason": reason, "reading": f"No strengths: {reason}."}
        return make_report("models", document, [*title_lines("Strength of models", document), document["reading"]])
    fit = bradley_terry(games)
    document = opening | _document(games, names, fit) | {"undefined_reason": None}
    document["reading"] = _reading(document)
    return make_report("models", document, _text(document))


def _games(
    coded: CodedVotes, votes: pd.DataFrame, completions: pd.DataFrame | None
) -> tuple[Games | None, list[str], str | None]:
    """Return the games between different models that the votes decide, the models' names, or the reason for none."""
    if completions is None or completions["model"].isna().all():
        return None, [], "the responses name no model"
    first, second = by_unit(coded, votes, completions)
    code, names = pd.factorize(completions["model"], sort=True)
    i, j = code[first[coded.unit]], code[second[coded.unit]]
    known = (first[coded.unit] >= 0) & (second[coded.unit] >= 0) & (i >= 0) & (j >= 0) & (i != j)
    if not known.any():
        return None, [], "no vote is between two different models"
    kept = coded.keep(known)
    outcome = np.minimum(kept.outcome, CLASSES.index("tie"))
    wins = np.eye(3)[outcome]
    order = order_on_screen(kept, votes).astype(float)
    has_order = bool(order.any())
    cluster = kept.rater if len(np.unique(kept.rater)) >= MANY_RATERS else None
    games = Games(
        i=i[known].astype(np.int64),
        j=j[known].astype(np.int64),
        wins=wins,
        covariates=order[:, None] if has_order else np.zeros((len(order), 0)),
        covariate_names=("order",) if has_order else (),
        n_models=len(names),
        cluster=cluster,
    )
    return games, [str(name) for name in names], None


def _document(games: Games, names: list[str], fit: StrengthFit) -> dict[str, Any]:
    played = np.zeros((games.n_models, 3))
    np.add.at(played, games.i, games.wins)
    np.add.at(played, games.j, games.wins[:, [1, 0, 2]])
    errors = fit.standard_errors
    order = np.argsort(-fit.strengths, kind="stable")
    return {
        "models": [_model(names[m], fit.strengths[m], errors[m], played[m], fit.error_method) for m in order],
        "tie": _effect(fit.tie, fit.tie_error, fit, "no vote is a tie"),
        "order_effect": _effect(
            *((fit.effects[0], fit.effect_errors[0]) if len(fit.effects) else (None, None)), fit, "order not recorded"
        ),
        "connected": bool(fit.n_islands == 1),
        "n_islands": fit.n_islands,
        "maximum_likelihood_exists": bool(fit.components.max() == 0),
        "fit": {
            "n_games": fit.n_games,
            "n_iterations": fit.n_iterations,
            "converged": fit.converged,
            "log_likelihood": fit.log_likelihood,
            "prior_precision": fit.prior_precision,
            "error_method": fit.error_method,
        },
    }


def _model(name: str, strength: float, error: float, played: np.ndarray, method: str) -> dict[str, Any]:
    low, high = normal_interval(strength, error)
    wins, losses, ties = played.astype(int).tolist()
    return {
        "model": name,
        "value": strength,
        "low": low,
        "high": high,
        "standard_error": error,
        "method": f"normal, {method}",
        "n_games": wins + losses + ties,
        "n_wins": wins,
        "n_losses": losses,
        "n_ties": ties,
    }


def _effect(value: float | None, error: float | None, fit: StrengthFit, reason: str) -> dict[str, Any]:
    if value is None:
        return {"value": None, "low": None, "high": None, "n": fit.n_games, "method": "", "undefined_reason": reason}
    low, high = normal_interval(value, error)
    return {
        "value": value,
        "low": low,
        "high": high,
        "standard_error": error,
        "n": fit.n_games,
        "method": f"normal, {fit.error_method}",
        "undefined_reason": None,
    }


def _reading(document: Document) -> str:
    best, *rest = document["models"]
    if not rest:
        return f"{best['model']} is the only model."
    chance = 1 / (1 + np.exp(rest[0]["value"] - best["value"]))
    sentence = (
        f"{best['model']} leads; against {rest[0]['model']}, the next, it would win {percent(chance)} of the decided"
    )
    warning = "" if document["maximum_likelihood_exists"] else " (some models never lost or never met: held by a prior)"
    return f"{sentence} votes{warning}."


def _text(document: Document) -> list[str]:
    rows = []
    for model in document["models"]:
        counts = [f"{model[key]:,}" for key in ("n_games", "n_wins", "n_losses", "n_ties")]
        rows.append([model["model"], number(model["value"], digits=2), interval(model, digits=2), *counts])
    header = ("model", "strength", "", "votes", "won", "lost", "tied")
    lines = [*title_lines("Strength of models", document), document["reading"], "", *table(rows, header=header), ""]
    order = document["order_effect"]
    if order["value"] is not None:
        lines.append(
            f"Being shown first adds {order['value']:.3f} {interval(order)} to the log odds ({order['n']:,} votes)."
        )
    fit = document["fit"]
    rest = "converged" if fit["converged"] else "NOT converged"
    return [
        *lines,
        f"Log odds against the mean model; {fit['error_method']} errors; {fit['n_iterations']} steps, {rest}.",
    ]
