"""The JSON of the reports, key by key: what `steelyard report --help` and the README say, and the tests check."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

WIDTH = 76
HEAD = "kinds, as_of_event, n_comparisons, n_raters, n_judgments"

LEGEND = """\
name(n_of) is an estimate: value, low, high, n_of, method, undefined_reason
(there where value is null), sometimes standard_error; what it has besides
stands after a semicolon. name{...} is an object, null where undefined,
name[...] a list of objects. Capitals stand for each criterion, method, ...;
a key with ? is not always there. With --by: {by, slices{VALUE{report}}}."""

_ALPHA = "(n_votes; level, observed_disagreement, expected_disagreement)"
_CLASSES = "{first, second, tie, both_bad}"
_MODEL = "{value, low, high, standard_error}"
_FIT = "{n_games, n_iterations, converged, log_likelihood, prior_precision, error_method}"
_TREND = "{z, p_value, n, n_strata, undefined_reason}"
_EFFECT = "{value, low?, high?, standard_error?, n?, method?, undefined_reason}"

SHAPES: Mapping[str, str] = {
    "agreement": f"""{HEAD}, criteria{{CRITERION{{percent_agreement(n_pairs), percent_agreement_without_ties(n_pairs),
        krippendorff_alpha{_ALPHA}, krippendorff_alpha_ordinal{_ALPHA}, krippendorff_alpha_interval{_ALPHA},
        fleiss_kappa(n_units), gwet_ac1(n_units), gwet_ac2(n_units), human_ceiling{{agreement(n_votes),
        kappa(n_votes), strict(n_votes)}}, kendall_w?(n_comparisons), kendall_tau_b?(n_pairs), flags, reading}}}},
        rater_pairs_criterion, rater_pairs[raters, n, percent_agreement, cohen_kappa, cohen_kappa_low,
        cohen_kappa_high, cohen_kappa_linear, cohen_kappa_quadratic, method, undefined_reason], rater_pairs_omitted""",
    "raters": f"""{HEAD}, criterion, raters[rater, kind, n_votes, agreement_with_others(n), gold_accuracy(n),
        self_consistency(n), swap_consistency(n), label_error_rate(n), first_shown_wins(n), tie_share(n),
        missing_share(n), duplicate_justifications(n), recent_gold_accuracy(n), confidence{{n, bias, brier{{score,
        reliability, resolution, uncertainty, skill, n}}, z, error, undefined_reason}}, drift{{n, level, highest,
        state, first, path, accuracy, undefined_reason}}, class_bias{_CLASSES}, severity, extremity, n_beside_others,
        pace{{n, median_seconds, relative, n_below_floor, undefined_reason}}, side_runs{{n, longest, runs, p_value,
        undefined_reason}}, fatigue{_TREND}, signs], fatigue{_TREND}, reading""",
    "tensions": f"""{HEAD}, pairs[between, n_active, n_conflicts, tension_rate(n), mean_strength,
        prevails{{CRITERION(n)}}, adjusted_prevails{{CRITERION(n)}}, clean_prevails{{CRITERION(n)}}, unresolved(n),
        enough_to_show, enough_to_compare, rule, against_rule(n), is_inversion, heterogeneity{{z, p_value,
        correlation, n, n_raters, shrunken_rates{{low, median, high}}, two_communities, undefined_reason}}],
        revealed_weights{{CRITERION(n; declared, gap)}}, revealed_fit{{n_iterations, converged, n?, n_clusters?,
        undefined_reason}}, torn_share(n), unexplained_share(n), defiance_share(n), against_weights(n),
        between_raters(n_pairs), reading""",
    "bias": f"""{HEAD}, criterion, n_decided, first_shown_wins(n), longer_wins(n), swap_consistency(n_repeats),
        position(n), length(n), verbosity(n), formats{{FORMAT{{share(n), log_odds(n)}}}}, halo{{own_overall(n),
        overall_first(n), criterion_before(n)}}, krippendorff_alpha(n_votes), flags, reading""",
    "consensus": f"""{HEAD}, criteria{{CRITERION{{n_units, votes_per_unit, n_contested, methods{{METHOD{{n,
        decisions{_CLASSES}, mean_confidence, same_as_majority, accuracy_on_gold(n_gold), calibration{{raw?{{stated,
        realised(n), bins[from, to, stated, realised(n)]}}, temperature?{{value, n, log_loss_before, log_loss_after,
        n_iterations, converged, undefined_reason}}, scaled?{{stated, realised(n), bins[from, to, stated,
        realised(n)]}}, undefined_reason}}, n_iterations, converged}}}}, chosen_method, chosen_because, reading}}}},
        contested_criterion, contested[comparison_id, first, second, n_votes, votes{_CLASSES}, distribution{_CLASSES},
        decision]""",
    "models": f"""{HEAD}, criterion, models[model, value, low, high, standard_error, method, fisher{{low, high,
        standard_error}}, n_games, n_wins, n_losses, n_ties, length_controlled?{_MODEL}, plackett_luce?{_MODEL}],
        tie?{_EFFECT}, order_effect?{_EFFECT}, connected?, n_islands?, maximum_likelihood_exists?, fit?{_FIT},
        undefined_reason, length_effect?{_EFFECT}, length_controlled_fit?{_FIT}, plackett_luce_fit?{{n_rankings,
        n_iterations, converged, log_likelihood, prior_precision, error_method}}, reading""",
}
"""Report -> its keys in the notation of `LEGEND`."""


def describe() -> list[str]:
    """The notation, then one paragraph per report, for a terminal of 80 columns."""
    wrapper = textwrap.TextWrapper(WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return [LEGEND, *(wrapper.fill(f"{name}: {{{' '.join(shape.split())}}}") for name, shape in SHAPES.items())]
