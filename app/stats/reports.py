"""The reports by name, and the readers that make their frames: what the command line and the pages call.

Every report is a pure function of a vote frame, `report(votes, *, kinds, as_of_event=None, ...)`, and gives a frozen
`Report` with `to_json()` and `to_text()`.
"""

from __future__ import annotations

from collections.abc import Callable

from app.stats.completions import completions_from_native, gold_from_native
from app.stats.readers import votes_from_native, votes_from_table
from app.stats.report import Report
from app.stats.report_agreement import agreement_report
from app.stats.report_bias import bias_report
from app.stats.report_consensus import consensus_report
from app.stats.report_models import models_report
from app.stats.report_pilot import pilot_report
from app.stats.report_raters import rater_report
from app.stats.report_tension import tension_report

REPORTS: dict[str, Callable[..., Report]] = {
    "agreement": agreement_report,
    "raters": rater_report,
    "tensions": tension_report,
    "bias": bias_report,
    "consensus": consensus_report,
    "models": models_report,
    "pilot": pilot_report,
}
"""The reports of `steelyard report NAME`."""

__all__ = [
    "REPORTS",
    "Report",
    "agreement_report",
    "bias_report",
    "completions_from_native",
    "consensus_report",
    "gold_from_native",
    "models_report",
    "pilot_report",
    "rater_report",
    "tension_report",
    "votes_from_native",
    "votes_from_table",
]
