"""What raters judge by. Import from the modules: `model`, `answers`, `criterion_types`, `submission`, `loader`."""
