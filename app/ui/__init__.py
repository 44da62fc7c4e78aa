"""The web application (Streamlit): pages call services and render."""
