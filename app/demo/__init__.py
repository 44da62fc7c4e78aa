"""The authored sample campaign, its loader, the simulated raters."""
