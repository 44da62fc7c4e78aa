"""Calibration of raters: exams, lessons, decisions and gold."""
