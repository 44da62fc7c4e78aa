"""Many raters at once, without browsers: a client that speaks Streamlit's own websocket protocol."""
