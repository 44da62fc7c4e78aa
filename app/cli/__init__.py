"""The command line, `steelyard ...`: thin, heavy imports inside each command."""
