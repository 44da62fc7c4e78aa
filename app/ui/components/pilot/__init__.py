"""The parts of the pilot page."""
