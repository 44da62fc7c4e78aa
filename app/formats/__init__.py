"""Files in and out: one format per file; `registry.FORMATS` has them by name."""
