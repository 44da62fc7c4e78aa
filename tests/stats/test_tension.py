"""Tension: counts by hand, weights from a planted rubric."""

import numpy as np
import pytest

from app.stats.coding import code_votes
from app.stats.heterogeneity import shrunken_rates, tarone
from app.stats.reports import tension_report
from app.stats.revealed import adjusted_prevails, declared_shares, is_inversion, revealed_weights
from app.stats.tension import (
    against_weights,
    between_raters,
    build_profiles,
    defiance_share,
    tension_pairs,
    torn_share,
    unexplained_share,
)
from tests.stats.build import KINDS, votes


def profiles_of(judgments):
    """Profiles of (comparison, rater, {criterion: value}) judgments."""
    rows = [(c, r, value, name) for c, r, verdict in judgments for name, value in verdict.items()]
    frame = votes(rows)
    return build_profiles(code_votes(frame, kinds=KINDS), frame), frame


JUDGMENTS = [
    ("t1", "ann", {"overall": 1, "honest": 1, "kind": -0.5}),  # torn, honest prevails
    ("t2", "ann", {"overall": -1, "honest": 0.5, "kind": -1}),  # torn, kind prevails
    ("t3", "ann", {"overall": 0, "honest": 1, "kind": -1}),  # torn, unresolved
    ("t4", "ann", {"overall": 1, "honest": 1, "kind": 1}),
    ("t5", "ann", {"overall": 1, "honest": 0, "kind": -1}),  # defies its only active criterion
    ("t6", "ann", {"overall": 1, "honest": 0, "kind": 0}),  # unexplained
    ("t7", "ann", {"overall": 1, "honest": 1}),  # kind missing: never zero, never a conflict
]


def test_counts_by_hand():
    profiles, _ = profiles_of(JUDGMENTS)
    (pair,) = tension_pairs(profiles)
    assert pair.between == ("honest", "kind")
    assert (pair.n_active, pair.n_conflicts) == (4, 3)
    assert pair.rate.value == pytest.approx(3 / 4)
    assert pair.prevails["honest"].value == pytest.approx(1 / 2)
    assert pair.prevails["kind"].n == 2
    assert pair.unresolved.value == pytest.approx(1 / 3)
    assert pair.clean.n == 2
    assert pair.strength == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert torn_share(profiles).value == pytest.approx(3 / 4)
    assert unexplained_share(profiles).value == pytest.approx(1 / 6)
    assert defiance_share(profiles).value == pytest.approx(1 / 5)


def test_two_scopes_of_one_rater_are_not_one_judgment():
    frame = votes([("t", "ann", 1, "honest"), ("t", "ann", -1, "kind")])
    frame["judgment_id"] = [1, 2]
    profiles = build_profiles(code_votes(frame, kinds=KINDS), frame)
    assert tension_pairs(profiles)[0].n_active == 0


def test_against_the_weighted_sum():
    profiles, _ = profiles_of(JUDGMENTS)
    # honest 3 : kind 1 -> t1 +2.5 ok, t2 +0.5 against, t4 ok, t5 -1 against, t7 ok
    assert against_weights(profiles, {"honest": 3.0, "kind": 1.0}).value == pytest.approx(2 / 5)
    assert against_weights(profiles, {}).value is None
    vetoed = against_weights(profiles, {}, vetoes=["kind"])
    signs, overall = profiles.signs[:, profiles.criteria.index("kind")], profiles.overall_sign
    decided = (signs != 0) & (overall != 0)
    assert (vetoed.n, vetoed.value) == (decided.sum(), pytest.approx((signs != overall)[decided].mean()))


def test_between_raters_needs_the_same_criteria_and_opposite_verdicts():
    profiles, _ = profiles_of(
        [
            ("x", "ann", {"overall": 1, "honest": 1, "kind": -1}),
            ("x", "bob", {"overall": -1, "honest": 0.5, "kind": -0.5}),
            ("x", "cy", {"overall": 1, "honest": 1, "kind": -0.1}),
            ("x", "di", {"overall": -1, "honest": -1, "kind": -1}),  # sees it otherwise
            ("y", "ann", {"overall": 1, "honest": 1, "kind": -1}),  # another unit
        ]
    )
    estimate = between_raters(profiles)
    assert estimate.n == 3
    assert estimate.value == pytest.approx(2 / 3)


def planted(seed, weights, n=4000, groups=1):
    """Judgments whose verdicts follow a logistic rule; criteria are correlated so that coalitions form."""
    rng = np.random.default_rng(seed)
    names = list(weights[0])
    latent = rng.normal(size=(n, 1)) * 0.7 + rng.normal(size=(n, len(names)))
    d = np.clip(np.round(latent), -2, 2) / 2
    judgments = []
    for t in range(n):
        rule = weights[t % groups]
        odds = sum(rule[name] * 2 * d[t, k] for k, name in enumerate(names))
        y = 1.0 if rng.random() < 1 / (1 + np.exp(-odds)) else -1.0
        judgments.append((f"c{t}", f"r{t % 40:02d}", {"overall": y} | dict(zip(names, d[t], strict=True))))
    return profiles_of(judgments)


def test_revealed_weights_recover_a_planted_rubric():
    rule = {"honest": 1.2, "helpful": 0.8, "concise": 0.2, "safe": 1.6}
    profiles, _ = planted(1, [rule])
    weights = revealed_weights(profiles)
    target = declared_shares(rule, profiles.criteria)
    for name, share in weights.shares.items():
        assert share.value == pytest.approx(target[name], abs=0.04)
        assert share.low <= target[name] <= share.high
    assert weights.fit.converged
    pairs = {pair.between: pair for pair in tension_pairs(profiles)}
    assert adjusted_prevails(weights, pairs["honest", "safe"]).high < 0.5
    assert is_inversion(
        adjusted_prevails(weights, pairs["honest", "safe"]), {"honest": 0.6, "safe": 0.4}, ("honest", "safe")
    )


def test_too_few_verdicts_and_separation_are_undefined():
    profiles, _ = profiles_of(JUDGMENTS)
    assert "are needed" in revealed_weights(profiles).undefined_reason
    settled = [(f"c{t}", f"r{t}", {"overall": s, "honest": s, "kind": 0}) for t in range(200) for s in [(-1) ** t]]
    assert "separation" in revealed_weights(profiles_of(settled)[0]).undefined_reason


def test_swapping_sides_changes_nothing():
    _, frame = planted(2, [{"honest": 1.0, "kind": 0.5}], n=600)
    swapped = frame.assign(
        outcome=frame["outcome"].replace({"first": "second", "second": "first"}), value=-frame["value"]
    )
    one, other = (tension_report(f, kinds=KINDS).to_json() for f in (frame, swapped))
    assert one["pairs"][0]["prevails"] == other["pairs"][0]["prevails"]
    assert one["revealed_weights"]["kind"]["value"] == pytest.approx(other["revealed_weights"]["kind"]["value"])


def test_the_report_applies_rules_and_gates():
    frame = planted(3, [{"honest": 1.5, "kind": 0.3}], n=800)[1]
    report = tension_report(
        frame, kinds=KINDS, declared_weights={"honest": 0.2, "kind": 0.8}, precedence=[("kind", "honest", "kind")]
    )
    (pair,) = report.to_json()["pairs"]
    assert pair["enough_to_compare"]
    assert pair["rule"] == "kind"
    assert pair["against_rule"]["value"] == pair["prevails"]["honest"]["value"]
    assert pair["is_inversion"] is True
    assert pair["adjusted_prevails"]["honest"]["value"] > 0.5
    assert report.to_json()["revealed_weights"]["kind"]["gap"] < 0
    assert "against the declared weights" in report.to_text()


def test_tarone_is_near_zero_for_alike_raters_and_large_for_two_communities():
    rng = np.random.default_rng(9)
    trials = rng.integers(1, 40, 60)
    alike = [tarone(rng.binomial(trials, 0.6), trials) for _ in range(300)]
    assert abs(np.mean(alike)) < 0.3
    assert np.std(alike) == pytest.approx(1, abs=0.25)
    rates = np.where(np.arange(60) % 2, 0.9, 0.3)
    assert tarone(rng.binomial(trials, rates), trials) > 10
    assert tarone(np.zeros(3), np.ones(3)) is None


def test_shrunken_rates_lie_between_own_and_common():
    rates, correlation = shrunken_rates(np.array([9, 1, 5]), np.array([10, 10, 10]))
    assert 0 < correlation < 1
    assert 0.5 < rates[0] < 0.9
    assert 0.1 < rates[1] < 0.5
    alike, none = shrunken_rates(np.array([5, 5, 5]), np.array([10, 10, 10]))
    assert none == 0
    assert alike.tolist() == [0.5, 0.5, 0.5]


def test_two_communities_are_reported():
    strict, lax = {"helpful": 0.2, "safe": 2.0}, {"helpful": 2.0, "safe": 0.2}
    _, frame = planted(7, [strict, lax], n=3000, groups=2)
    document = tension_report(frame, kinds=KINDS).to_json()
    assert document["pairs"][0]["heterogeneity"]["two_communities"] is True
    _, frame = planted(8, [{"helpful": 1.0, "safe": 1.0}], n=3000)
    assert abs(tension_report(frame, kinds=KINDS).to_json()["pairs"][0]["heterogeneity"]["z"]) < 3
