"""The parts of the page Reward models."""
