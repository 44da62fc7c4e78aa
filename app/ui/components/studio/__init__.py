"""The parts of the Studio: one text, a form and an editor that change it, and what is said about it."""
