"""The models report: which model's responses win, with ties, an order effect and honest intervals."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import CLASSES, CodedVotes, code_votes
from app.stats.completions import by_unit
from app.stats.frames import OVERALL
from app.stats.intervals import normal_interval
from app.stats.plackett_luce import plackett_luce
from app.stats.rankings import ranked_responses
from app.stats.raters import order_on_screen
from app.stats.report import Document, Report, heading, interval, make_report, number, percent, table, title_lines
from app.stats.strength import Games, StrengthFit, bradley_terry, is_told_apart

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
        `models` (strongest first): model, value (log odds against the mean model) with interval (cluster-robust from 10
        raters on) and, beside it, the `fisher` one that takes every vote for independent; n_games, n_wins,
        n_losses, n_ties, `length_controlled` and, where three or more were ranked, `plackett_luce`; `tie`,
        `order_effect`, `length_effect`; `fit` (and `length_controlled_fit`, `plackett_luce_fit`) with n_iterations,
        converged, error method, prior; `connected`. A pair from a ranking of k weighs 2/k.
    """
    coded = code_votes(votes, kinds=kinds).of(criterion)
    opening = heading(kinds, as_of_event, votes, coded) | {"criterion": criterion}
    games, names, doublings, reason = _games(coded, votes, completions)
    if games is None:
        document = opening | {"models": [], "undefined_reason": reason, "reading": f"No strengths: {reason}."}
        return make_report("models", document, [*title_lines("Strength of models", document), document["reading"]])
    document = opening | _document(games, names, bradley_terry(games)) | {"undefined_reason": None}
    _add_length_control(document, games, names, doublings)
    _add_rankings(document, coded, votes, completions)
    document["reading"] = _reading(document)
    return make_report("models", document, _text(document))


def _games(
    coded: CodedVotes, votes: pd.DataFrame, completions: pd.DataFrame | None
) -> tuple[Games | None, list[str], np.ndarray | None, str | None]:
    """Return the games between different models, the models, log2 of the ratio of words, or the reason for none."""
    if completions is None or completions["model"].isna().all():
        return None, [], None, "the responses name no model"
    code, names = pd.factorize(completions["model"], sort=True)
    first, second = (side[coded.unit] for side in by_unit(coded, votes, completions))
    known = (first >= 0) & (second >= 0)
    known &= (code[first] >= 0) & (code[second] >= 0) & (code[first] != code[second])
    if not known.any():
        return None, [], None, "no vote is between two different models"
    kept, first, second = coded.keep(known), first[known], second[known]
    weight = votes["weight"].to_numpy(float)[kept.row]
    order = order_on_screen(kept, votes).astype(float)
    has_order = bool(order.any())
    games = Games(
        i=code[first].astype(np.int64),
        j=code[second].astype(np.int64),
        wins=np.eye(3)[np.minimum(kept.outcome, CLASSES.index("tie"))] * weight[:, None],
        covariates=order[:, None] if has_order else np.zeros((len(order), 0)),
        covariate_names=("order",) if has_order else (),
        n_models=len(names),
        cluster=kept.rater if len(np.unique(kept.rater)) >= MANY_RATERS else None,
    )
    words = np.log2(completions["n_words"].to_numpy(float) + 1)
    return games, [str(name) for name in names], words[first] - words[second], None


def _add_length_control(document: dict[str, Any], games: Games, names: list[str], doublings: np.ndarray) -> None:
    """Add strengths at equal length: the log odds take a tanh of the standardised log ratio of words as a covariate.

    Source: Dubois, Galambosi, Liang and Hashimoto (2024), equation 2, without the instruction difficulty.
    """
    spread = doublings.std()
    if spread == 0:
        document["length_effect"] = {"value": None, "undefined_reason": "all responses are equally long"}
        return
    column = np.tanh(doublings / spread)[:, None]
    controlled = replace(
        games,
        covariates=np.hstack([games.covariates, column]),
        covariate_names=(*games.covariate_names, "length"),
    )
    if not is_told_apart(controlled):
        reason = "length cannot be told apart from the models: who wrote a response says how long it is"
        document["length_effect"] = {"value": None, "undefined_reason": reason}
        return
    fit = bradley_terry(controlled)
    document["length_effect"] = _effect(float(fit.effects[-1]), float(fit.effect_errors[-1]), fit, "")
    document["length_controlled_fit"] = _fit_document(fit)
    _add_strengths(document, "length_controlled", names, fit.strengths, fit.standard_errors)


def _add_rankings(document: dict[str, Any], coded: CodedVotes, votes: pd.DataFrame, completions: pd.DataFrame) -> None:
    """Add Plackett-Luce strengths where raters ranked three or more responses of known models."""
    table = ranked_responses(coded, votes)
    if len(table) == 0:
        return
    comparison_of = votes["comparison_id"].astype(str).to_numpy()[coded.row]
    id_of = dict(zip(coded.unit_comparison[coded.unit].tolist(), comparison_of, strict=True))
    keys = pd.MultiIndex.from_arrays([table["comparison"].map(id_of), table["response"]])
    index = pd.MultiIndex.from_frame(completions[["comparison_id", "completion_id"]].astype(str))
    code, names = pd.factorize(completions["model"], sort=True)
    at = index.get_indexer(keys)
    table["model"] = np.where(at >= 0, code[at], -1)
    named = (table["model"] >= 0).groupby(table["judgment"]).transform("all")
    table = table[named & (table.groupby("judgment")["model"].transform("nunique") > 1)]
    if len(table) == 0:
        return
    ranking = pd.factorize(table["judgment"])[0]
    rater = table.groupby(ranking)["rater"].first().to_numpy()
    clusters = rater if len(np.unique(rater)) >= MANY_RATERS else None
    fit = plackett_luce(ranking, table["model"].to_numpy(), table["place"].to_numpy(), len(names), clusters=clusters)
    document["plackett_luce_fit"] = {
        "n_rankings": fit.n_rankings,
        "n_iterations": fit.n_iterations,
        "converged": fit.converged,
        "log_likelihood": fit.log_likelihood,
        "prior_precision": fit.prior_precision,
        "error_method": fit.error_method,
    }
    _add_strengths(document, "plackett_luce", [str(name) for name in names], fit.strengths, fit.standard_errors)


def _add_strengths(
    document: dict[str, Any], key: str, names: list[str], strengths: np.ndarray, errors: np.ndarray
) -> None:
    for model in document["models"]:
        at = names.index(model["model"])
        low, high = normal_interval(strengths[at], errors[at])
        model[key] = {"value": strengths[at], "low": low, "high": high, "standard_error": errors[at]}


def _document(games: Games, names: list[str], fit: StrengthFit) -> dict[str, Any]:
    played = np.zeros((games.n_models, 3))
    outcomes = games.wins > 0  # a pair from a ranking weighs less, but is one game
    np.add.at(played, games.i, outcomes)
    np.add.at(played, games.j, outcomes[:, [1, 0, 2]])
    errors, fisher = fit.standard_errors, fit.fisher_errors
    order = np.argsort(-fit.strengths, kind="stable")
    return {
        "models": [
            _model(names[m], fit.strengths[m], errors[m], fisher[m], played[m], fit.error_method) for m in order
        ],
        "tie": _effect(fit.tie, fit.tie_error, fit, "no vote is a tie"),
        "order_effect": _effect(
            *((fit.effects[0], fit.effect_errors[0]) if len(fit.effects) else (None, None)), fit, "order not recorded"
        ),
        "connected": bool(fit.n_islands == 1),
        "n_islands": fit.n_islands,
        "maximum_likelihood_exists": bool(fit.components.max() == 0),
        "fit": _fit_document(fit),
    }


def _fit_document(fit: StrengthFit) -> dict[str, Any]:
    return {
        "n_games": fit.n_games,
        "n_iterations": fit.n_iterations,
        "converged": fit.converged,
        "log_likelihood": fit.log_likelihood,
        "prior_precision": fit.prior_precision,
        "error_method": fit.error_method,
    }


def _model(
    name: str, strength: float, error: float, fisher_error: float, played: np.ndarray, method: str
) -> dict[str, Any]:
    low, high = normal_interval(strength, error)
    fisher_low, fisher_high = normal_interval(strength, fisher_error)
    wins, losses, ties = played.astype(int).tolist()
    return {
        "model": name,
        "value": strength,
        "low": low,
        "high": high,
        "standard_error": error,
        "method": f"normal, {method}",
        "fisher": {"low": fisher_low, "high": fisher_high, "standard_error": fisher_error},
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
    is_robust = document["fit"]["error_method"] == "cluster-robust"
    rows = []
    for model in document["models"]:
        counts = [f"{model[key]:,}" for key in ("n_games", "n_wins", "n_losses", "n_ties")]
        controlled = model.get("length_controlled")
        cells = [number(controlled["value"], digits=2), interval(controlled, digits=2)] if controlled else []
        beside = [interval(model["fisher"], digits=2)] if is_robust else []
        strength = [number(model["value"], digits=2), interval(model, digits=2)]
        rows.append([model["model"], *strength, *beside, *cells, *counts])
    undefined = document["length_effect"].get("undefined_reason")
    equal_length = () if undefined else ("at equal length", "")
    header = (
        "model",
        "strength",
        "",
        *(("if independent",) if is_robust else ()),
        *equal_length,
        "votes",
        "won",
        "lost",
        "tied",
    )
    lines = [*title_lines("Strength of models", document), document["reading"], "", *table(rows, header=header), ""]
    if undefined:
        lines.append(f"No strengths at equal length: {undefined}.")
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
