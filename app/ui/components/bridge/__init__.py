"""The parts of the page Bridge."""
