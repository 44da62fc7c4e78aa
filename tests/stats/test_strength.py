"""Bradley-Terry and its relatives."""

import numpy as np
import pytest

from app.stats.plackett_luce import plackett_luce
from app.stats.reports import completions_from_native, models_report, votes_from_native
from app.stats.strength import Games, aggregate_games, bradley_terry, win_probability

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
# Agresti, Categorical Data Analysis, table 10.10 (American League 1987): home wins and losses, rows at home.
HOME = [
    [(0, 0), (4, 3), (4, 2), (4, 3), (6, 1), (4, 2), (6, 0)],
    [(3, 3), (0, 0), (4, 2), (4, 3), (6, 0), (6, 1), (4, 3)],
    [(2, 5), (4, 3), (0, 0), (2, 4), (4, 3), (4, 2), (6, 0)],
    [(3, 3), (5, 1), (2, 5), (0, 0), (4, 3), (4, 2), (6, 1)],
    [(5, 1), (2, 5), (3, 3), (4, 2), (0, 0), (5, 2), (6, 0)],
    [(2, 5), (3, 3), (3, 4), (4, 3), (4, 2), (0, 0), (2, 4)],
    [(2, 5), (1, 5), (1, 6), (2, 4), (1, 6), (3, 4), (0, 0)],
]


def baseball(*, home: bool) -> Games:
    i, j = np.nonzero(1 - np.eye(7))
    wins = np.array([(*HOME[a][b], 0) for a, b in zip(i, j, strict=True)], float)
    covariates = np.ones((len(i), 1)) if home else np.zeros((len(i), 0))
    return Games(i, j, wins, covariates, ("order",) if home else (), 7)


def test_agrestis_baseball_with_errors():
    fit = bradley_terry(baseball(home=False))
    against_baltimore = [fit.contrast(team, 6) for team in range(6)]
    assert np.round([value for value, _ in against_baltimore], 3).tolist() == [1.581, 1.436, 1.294, 1.248, 1.108, 0.684]
    assert np.round([error for _, error in against_baltimore[:3]], 3).tolist() == [0.343, 0.340, 0.337]
    assert fit.converged
    assert fit.n_islands == 1


def test_the_home_effect():
    fit = bradley_terry(baseball(home=True))
    assert fit.effects[0] == pytest.approx(0.3023, abs=5e-5)
    assert fit.effect_errors[0] == pytest.approx(0.1309, abs=5e-5)


def simulate(seed, *, n=20_000, nu=0.6, gamma=0.25):
    rng = np.random.default_rng(seed)
    strengths = np.array([1.0, 0.4, 0.0, -0.3, -1.1])
    i, j = rng.integers(0, 5, n), rng.integers(0, 5, n)
    i, j = i[i != j], j[i != j]
    order = rng.choice([-1, 1], len(i))
    eta = strengths[i] - strengths[j] + gamma * order
    weights = np.stack([np.exp(eta / 2), np.exp(-eta / 2), np.full(len(i), nu)])
    cumulative = np.cumsum(weights / weights.sum(axis=0), axis=0)
    outcome = (rng.random(len(i)) > cumulative).sum(axis=0)
    return strengths, i, j, outcome, order


def test_ties_and_order_are_recovered():
    strengths, i, j, outcome, order = simulate(1)
    fit = bradley_terry(aggregate_games(i, j, outcome, 5, order=order))
    assert np.abs(fit.strengths - (strengths - strengths.mean())).max() < 4 * fit.standard_errors.max()
    assert np.exp(fit.tie) == pytest.approx(0.6, abs=4 * 0.6 * fit.tie_error)
    assert fit.effects[0] == pytest.approx(0.25, abs=4 * fit.effect_errors[0])


def test_aggregated_and_raw_games_give_the_same_fit():
    _, i, j, outcome, order = simulate(2, n=2000)
    raw = Games(i, j, np.eye(3)[outcome], order[:, None].astype(float), ("order",), 5)
    one, other = bradley_terry(raw), bradley_terry(aggregate_games(i, j, outcome, 5, order=order))
    np.testing.assert_allclose(one.strengths, other.strengths, atol=1e-8)
    np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-8)
    assert one.log_likelihood == pytest.approx(other.log_likelihood)


def test_swapping_sides_changes_nothing():
    _, i, j, outcome, order = simulate(3, n=2000)
    swapped = np.array([1, 0, 2])[outcome]
    one = bradley_terry(aggregate_games(i, j, outcome, 5, order=order))
    other = bradley_terry(aggregate_games(j, i, swapped, 5, order=-order))
    np.testing.assert_allclose(one.strengths, other.strengths, atol=1e-8)
    assert one.effects[0] == pytest.approx(other.effects[0])


def test_strengths_equal_choix_and_evalica():
    import choix
    import evalica

    _, i, j, outcome, _ = simulate(4, n=3000, nu=1e-12)
    fit = bradley_terry(aggregate_games(i, j, outcome, 5))
    won = [(int(a), int(b)) if w == 0 else (int(b), int(a)) for a, b, w in zip(i, j, outcome, strict=True)]
    np.testing.assert_allclose(fit.strengths, choix.opt_pairwise(5, won), atol=1e-4)
    winner = [evalica.Winner.X if w == 0 else evalica.Winner.Y for w in outcome]
    scores = evalica.bradley_terry([f"m{a}" for a in i], [f"m{b}" for b in j], winner, tolerance=1e-10).scores
    expected = np.log([scores[f"m{k}"] for k in range(5)])
    np.testing.assert_allclose(fit.strengths, expected - expected.mean(), atol=1e-3)


def test_an_undefeated_model_is_held_by_a_prior_and_named():
    fit = bradley_terry(aggregate_games(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([0, 0, 0]), 3))
    assert fit.components.max() > 0
    assert fit.prior_precision > 0
    assert fit.strengths[0] > fit.strengths[1] > fit.strengths[2]
    assert np.isfinite(fit.standard_errors).all()


def test_islands_are_counted():
    fit = bradley_terry(aggregate_games(np.array([0, 1, 2, 3]), np.array([1, 0, 3, 2]), np.array([0, 0, 0, 0]), 4))
    assert fit.n_islands == 2


def test_fishers_errors_stand_beside_clustered_ones():
    rng = np.random.default_rng(8)
    i = rng.integers(0, 4, 400)
    j, outcome = (i + rng.integers(1, 4, 400)) % 4, rng.integers(0, 2, 400)
    plain = bradley_terry(Games(i, j, np.eye(3)[outcome], np.zeros((400, 0)), (), 4))
    clustered = bradley_terry(Games(i, j, np.eye(3)[outcome], np.zeros((400, 0)), (), 4, np.repeat(np.arange(20), 20)))
    np.testing.assert_allclose(plain.fisher_errors, plain.standard_errors)
    np.testing.assert_allclose(clustered.fisher_errors, plain.standard_errors)
    assert np.abs(clustered.standard_errors - plain.standard_errors).max() > 0.001


def test_clusters_of_copies_widen_the_errors():
    _, i, j, outcome, _ = simulate(5, n=500)
    wins = np.eye(3)[outcome]
    copies = Games(np.repeat(i, 4), np.repeat(j, 4), np.repeat(wins, 4, axis=0), np.zeros((4 * len(i), 0)), (), 5, None)
    clustered = Games(copies.i, copies.j, copies.wins, copies.covariates, (), 5, np.repeat(np.arange(len(i)), 4))
    ratio = bradley_terry(clustered).standard_errors / bradley_terry(copies).standard_errors
    np.testing.assert_allclose(ratio, 2, rtol=0.15)


def test_no_games_are_refused():
    with pytest.raises(ValueError, match="no games"):
        bradley_terry(aggregate_games(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), 2))


def test_win_probability():
    assert win_probability(0.0, 0.0) == 0.5
    assert win_probability(np.log(3), 0.0) == pytest.approx(0.75)


def rankings_of(seed, *, n=1500, ties=False):
    rng = np.random.default_rng(seed)
    strengths = np.array([1.2, 0.5, 0.0, -0.4, -1.3])
    ranking, model, place = [], [], []
    for r in range(n):
        present = rng.choice(5, 4, replace=False)
        order = np.argsort(-(strengths[present] + rng.gumbel(size=4)))
        places = np.argsort(order)
        ranking += [r] * 4
        model += present.tolist()
        place += (places // 2 if ties and r % 3 == 0 else places).tolist()
    return strengths - strengths.mean(), np.array(ranking), np.array(model), np.array(place)


def test_plackett_luce_equals_choix():
    import choix

    _, ranking, model, place = rankings_of(1, n=400)
    fit = plackett_luce(ranking, model, place, 5)
    lists = [model[ranking == r][np.argsort(place[ranking == r])].tolist() for r in range(400)]
    np.testing.assert_allclose(fit.strengths, choix.opt_rankings(5, lists), atol=1e-3)
    assert fit.converged
    assert fit.n_rankings == 400


def test_plackett_luce_recovers_strengths_with_honest_errors():
    strengths, ranking, model, place = rankings_of(2)
    fit = plackett_luce(ranking, model, place, 5)
    z = (fit.strengths - strengths) / fit.standard_errors
    assert np.abs(z).max() < 4
    tied = plackett_luce(*rankings_of(3, ties=True)[1:], 5)
    assert np.argsort(tied.strengths).tolist() == np.argsort(strengths).tolist()
    robust = plackett_luce(ranking, model, place, 5, clusters=np.arange(1500))
    np.testing.assert_allclose(robust.standard_errors, fit.standard_errors, rtol=0.15)


def test_a_ranking_of_two_is_bradley_terry():
    _, i, j, outcome, _ = simulate(6, n=1500, nu=1e-12)
    games = aggregate_games(i, j, outcome, 5)
    n = len(i)
    ranking = np.repeat(np.arange(n), 2)
    place = np.stack([outcome, 1 - outcome], axis=1).ravel()
    fit = plackett_luce(ranking, np.stack([i, j], axis=1).ravel(), place, 5)
    reference = bradley_terry(games)
    np.testing.assert_allclose(fit.strengths, reference.strengths, atol=1e-6)
    np.testing.assert_allclose(fit.standard_errors, reference.standard_errors, atol=1e-6)


def test_a_model_that_always_wins_is_held_by_a_prior():
    fit = plackett_luce(np.array([0, 0, 0]), np.array([0, 1, 2]), np.array([0, 1, 2]), 3)
    assert fit.prior_precision > 0
    assert fit.strengths[0] > fit.strengths[1] > fit.strengths[2]
    with pytest.raises(ValueError, match="no rankings"):
        plackett_luce(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), 2)


def test_length_that_says_who_wrote_is_no_covariate() -> None:
    """Two models, one always twice as long: nobody can say whether the model or its length wins."""
    lines = []
    for number in range(30):
        texts = {"m1": "word " * 20, "m2": "word " * 40}
        order = ("m1", "m2") if number % 2 else ("m2", "m1")
        completions = [{"id": slot, "text": texts[name], "model": name} for slot, name in zip("ab", order, strict=True)]
        judgments = [{"rater": f"r{r}", "preferred": "ab"[(number * r) % 2]} for r in range(3)]
        lines.append({"id": f"x{number}", "prompt": "?", "completions": completions, "judgments": judgments})
    report = models_report(votes_from_native(lines), kinds=["human"], completions=completions_from_native(lines))
    effect = report.document["length_effect"]
    assert effect["value"] is None
    assert "cannot be told apart from the models" in effect["undefined_reason"]
    assert "length_controlled_fit" not in report.document
