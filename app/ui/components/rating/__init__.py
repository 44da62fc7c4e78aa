"""The rating form: conversation and responses, one widget per criterion, tensions, and the draft behind it."""
