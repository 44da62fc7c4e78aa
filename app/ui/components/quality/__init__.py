"""The sections of the Quality page: agreement, consensus, raters, bias, models."""
