"""One page per file, each with a function `page()`; `app.ui.navigation` lists them."""
