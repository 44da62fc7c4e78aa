"""The pages. A page calls services and renders what they say; it holds no rules and no SQL."""
