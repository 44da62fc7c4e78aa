"""The parts of the page Campaigns."""
