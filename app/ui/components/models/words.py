"""The words of the reward-model page that several of its parts use."""

from __future__ import annotations

BASELINE_NAMES = {
    "longer_wins": "longer response wins",
    "shorter_wins": "shorter response wins",
    "tfidf": "bag of words (TF-IDF)",
    "frozen": "frozen embeddings",
}
"""Baseline -> what it is called in charts and tables."""
