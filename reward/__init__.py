"""Learns from snapshots; knows no database."""
