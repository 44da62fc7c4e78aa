"""Pure functions: vote frames in, frozen results out."""
