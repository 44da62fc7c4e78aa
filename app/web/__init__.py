"""What stands around Streamlit: the door (log-in), the gate (headers, identity) and the process for long work."""
