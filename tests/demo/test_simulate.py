"""Simulated raters: the same for a seed, marked as what they are, and as good, biased and fast as they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.demo.sample import NAME, load_sample
from app.demo.simulate import simulate
from app.demo.traits import GivenTraits, draw_traits, rater_name
from app.domain import RaterKind
from app.errors import InvalidInput, NotFound
from app.services.exporting import export_campaign
from app.services.people import add_account, list_accounts
from app.services.reading import specification_of
from app.services.reporting import campaign_report
from app.store.engine import Store
from tests.conftest import new_sqlite_store


@pytest.fixture(scope="module")
def sample_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the sample campaign and no votes."""
    store = new_sqlite_store(sqlite_template, tmp_path_factory.mktemp("sample"))
    load_sample(store)
    store.close()
    return Path(str(store.url.database))


@pytest.fixture
def sample(sample_file: Path, tmp_path: Path) -> Store:
    return another(sample_file, tmp_path)


def another(sample_file: Path, folder: Path) -> Store:
    folder.mkdir(exist_ok=True)
    return new_sqlite_store(sample_file, folder)


def votes(store: Store, folder: Path) -> str:
    export_campaign(store, NAME, folder / "votes.jsonl")
    return (folder / "votes.jsonl").read_text(encoding="utf-8")


def run(store: Store, n: int = 60, *, seed: int = 3, n_raters: int = 4, **given: object) -> int:
    given_traits = GivenTraits(**given)  # type: ignore[arg-type]
    return simulate(store, NAME, n_raters=n_raters, n_judgments=n, seed=seed, given=given_traits).n_judgments


def test_the_same_seed_gives_the_same_judgments(sample_file: Path, tmp_path: Path) -> None:
    written = []
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        store = another(sample_file, tmp_path / name)
        assert run(store, seed=seed) == 60
        written.append(votes(store, tmp_path / name))
        store.close()
    assert written[0] == written[1] != written[2]


def test_simulated_raters_say_what_they_are(sample: Store, tmp_path: Path) -> None:
    run(sample, 10)
    accounts = list_accounts(sample)
    assert {account.kind for account in accounts} == {RaterKind.SIMULATED}
    assert all(account.name.startswith("sim-") for account in accounts)
    specification = specification_of(sample, "sim-ada")
    assert specification is not None
    assert set(specification["simulated"]) == {"noise", "position_bias", "weights", "tie_width", "pace", "boldness"}
    assert '"rater_kind": "human"' not in votes(sample, tmp_path)
    assert campaign_report(sample, "agreement", NAME).to_json()["kinds"] == ["simulated"]


def test_other_traits_are_another_rater(sample: Store) -> None:
    add_account(sample, "sim-bilal", actor="test")  # a person who happens to be called so
    run(sample, 10, seed=1, n_raters=2)
    run(sample, 10, seed=1, n_raters=2)
    run(sample, 10, seed=2, n_raters=1)
    kinds = {account.name: account.kind for account in list_accounts(sample)}
    assert kinds["sim-bilal"] is RaterKind.HUMAN
    names = sorted(kinds)
    assert [name[:9] for name in names] == ["sim-ada", "sim-ada-" + names[1][8], "sim-bilal", "sim-bilal"]
    assert kinds[names[3]] is RaterKind.SIMULATED
    specifications = [specification_of(sample, name) for name in names]
    assert specifications[0] != specifications[1]
    assert specifications[2] is None


def accuracy_on_gold(store: Store) -> float:
    """Mean over the raters, each weighted by the gold comparisons that they answered."""
    measured = [rater["gold_accuracy"] for rater in campaign_report(store, "raters", NAME).to_json()["raters"]]
    measured = [gold for gold in measured if gold["n"]]
    return float(np.average([gold["value"] for gold in measured], weights=[gold["n"] for gold in measured]))


def test_the_careless_do_worse_on_gold(sample_file: Path, tmp_path: Path) -> None:
    scores = []
    for noise in (0.3, 6.0):
        store = another(sample_file, tmp_path / str(noise))
        run(store, 160, noise=noise)
        scores.append(accuracy_on_gold(store))
        store.close()
    careful, careless = scores
    assert careful > 0.9
    assert careless < careful - 0.15


def test_a_planted_position_bias_shows_in_the_report(sample_file: Path, tmp_path: Path) -> None:
    shares = []
    for bias in (-2.0, 0.0, 2.0):
        store = another(sample_file, tmp_path / str(bias))
        run(store, 160, position_bias=bias, noise=1.0)
        shares.append(campaign_report(store, "bias", NAME).to_json()["first_shown_wins"]["value"])
        store.close()
    assert shares[0] < 0.4 < shares[1] < 0.6 < shares[2]


def test_pace_shows_in_the_seconds(sample_file: Path, tmp_path: Path) -> None:
    seconds = []
    for pace in (2.0, 8.0):
        store = another(sample_file, tmp_path / str(pace))
        run(store, 60, pace=pace)
        seconds.append(
            [rater["pace"]["median_seconds"] for rater in campaign_report(store, "raters", NAME).to_json()["raters"]]
        )
        store.close()
    assert np.median(seconds[0]) > 1.5 * np.median(seconds[1])


def test_planted_weights_are_revealed(sample: Store) -> None:
    run(sample, 200, n_raters=5, weights={"honesty": 3, "clarity": 1}, noise=0.3)
    revealed = campaign_report(sample, "tensions", NAME).to_json()["revealed_weights"]
    shares = {criterion: one["value"] for criterion, one in revealed.items() if isinstance(one, dict)}
    assert max(shares, key=shares.__getitem__) == "honesty"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"noise": -1.0}, "noise is -1.0"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"pace": 0.0}, "pace is 0.0"),
        ({"weights": {"charm": 1.0}}, "No criterion 'charm'"),
        ({"weights": {"honesty": -1.0}}, "0 or more"),
        ({"weights": {"honesty": 0.0}}, "more than 0 in all"),
    ],
)
def test_impossible_traits_are_refused(sample: Store, given: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        run(sample, 1, **given)
    assert list_accounts(sample) == []


def test_impossible_numbers_and_unknown_campaigns_are_refused(sqlite_store: Store) -> None:
    with pytest.raises(InvalidInput, match="0 raters"):
        simulate(sqlite_store, "c", n_raters=0, n_judgments=1, seed=0)
    with pytest.raises(NotFound):
        simulate(sqlite_store, "c", n_raters=1, n_judgments=1, seed=0)


def test_raters_differ_and_their_names_never_collide() -> None:
    crew = [draw_traits(5, index, criteria=["x", "y"], declared={"x": 0.7, "y": 0.3}) for index in range(200)]
    assert len({traits.digest for traits in crew}) > 190
    assert 0.05 < np.mean([traits.noise == 2.2 for traits in crew]) < 0.25
    assert np.mean([traits.weights["x"] for traits in crew]) == pytest.approx(0.7, abs=0.03)
    assert len({rater_name(index) for index in range(200)}) == 200
