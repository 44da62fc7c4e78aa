"""Collects judgments and says what they are worth."""
