"""Halo: pulls that were planted are found, and none where there is none."""

import numpy as np
import pytest

from app.stats.coding import code_votes
from app.stats.halo import criterion_before_pull, overall_first_pull, own_overall_pull, stratified_difference
from app.stats.report_bias import bias_report
from app.stats.tension import build_profiles
from tests.stats.build import KINDS, votes

CRITERIA = ("clear", "help", "safe")


def simulated(seed, *, before=0.0, first=0.0, own=0.0, units=300):
    """Judgments of 12 raters in drawn orders; with these chances a criterion copies what came before it."""
    rng = np.random.default_rng(seed)
    rows, places = [], []
    for unit in range(units):
        truth = rng.choice([-1.0, 1.0], 3)
        for rater in rng.choice(12, 3, replace=False):
            order, is_first = rng.permutation(3), rng.random() < 0.5
            side = np.where(rng.random(3) < 0.8, truth, -truth)
            overall = float(rng.choice(side)) if not is_first else float(rng.choice(truth))
            for place in range(3):
                if place and rng.random() < before:
                    side[order[place]] = side[order[place - 1]]
                if rng.random() < own or (is_first and rng.random() < first):
                    side[order[place]] = overall
            rows.append((f"c{unit}", f"r{rater}", overall))
            places.append(-1 if is_first else 3)
            for place in range(3):
                rows.append((f"c{unit}", f"r{rater}", side[order[place]], CRITERIA[order[place]]))
                places.append(place)
    return votes(rows, place=np.array(places, float))


def profiles_of(frame):
    return build_profiles(code_votes(frame, kinds=KINDS), frame)


def holds(estimate, value=0.0):
    return estimate.low <= value <= estimate.high


def test_no_order_effect_is_found_where_there_is_none():
    found = profiles_of(simulated(1))
    assert holds(criterion_before_pull(found))
    assert criterion_before_pull(found).n == 2700


@pytest.mark.parametrize(
    ("planted", "measure"),
    [("before", criterion_before_pull), ("first", overall_first_pull), ("own", own_overall_pull)],
)
def test_a_planted_pull_is_found(planted, measure):
    without, with_pull = (measure(profiles_of(simulated(2, **{planted: share}))) for share in (0.0, 0.4))
    assert with_pull.value > without.value + 0.08
    assert with_pull.low > 0


def test_own_overall_by_hand():
    # ann's criterion sides with her verdict (1), bob's with his (1); each against the other's verdict (0): excess 1
    rows = [(f"x{k}", name, side, key) for k in range(20) for name, side in (("ann", 1.0), ("bob", -1.0))
            for key in ("overall", "help")]  # fmt: skip
    estimate = own_overall_pull(profiles_of(votes(rows)))
    assert (estimate.value, estimate.n) == (1.0, 40)


def test_the_difference_within_strata_by_hand():
    # stratum 0: 8 of 10 exposed and 4 of 10 others hit, stratum 1 the same at .5 and .1: the difference is .4
    hit = np.r_[np.arange(10) < 8, np.arange(10) < 4, np.arange(10) < 5, np.arange(10) < 1]
    exposed, stratum = np.tile(np.repeat([True, False], 10), 2), np.repeat([0, 1], 20)
    assert stratified_difference(hit, exposed, stratum, []).value == pytest.approx(0.4)


def test_one_order_and_unknown_orders_are_undefined_with_the_reason():
    frame = simulated(3, units=40)
    fixed = frame.assign(place=frame["criterion"].map({"overall": 3, "clear": 0, "help": 1, "safe": 2}).astype(float))
    document = bias_report(fixed, kinds=KINDS).to_json()["halo"]
    for key in ("overall_first", "criterion_before"):
        assert "always the same" in document[key]["undefined_reason"]
    unknown = bias_report(frame.drop(columns="place"), kinds=KINDS).to_json()["halo"]
    assert "not recorded" in unknown["criterion_before"]["undefined_reason"]
    bare = frame[frame["criterion"] == "overall"]
    assert "no criteria" in bias_report(bare, kinds=KINDS).to_json()["halo"]["own_overall"]["undefined_reason"]


def test_sides_and_names_do_not_matter():
    frame = simulated(4, before=0.3, units=60)
    swapped = frame.assign(
        value=-frame["value"], outcome=frame["outcome"].map({"first": "second", "second": "first", "tie": "tie"})
    )
    renamed = frame.assign(rater_id="z" + frame["rater_id"]).sample(frac=1, random_state=0)
    for measure in (criterion_before_pull, overall_first_pull, own_overall_pull):
        expected = measure(profiles_of(frame))
        for other in (swapped, renamed):
            assert measure(profiles_of(other)).value == pytest.approx(expected.value)
