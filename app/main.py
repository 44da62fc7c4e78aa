"""The script that Streamlit runs for every visitor: page set-up, then the page that was asked for."""

import streamlit as st

from app.ui.navigation import run_page

st.set_page_config(page_title="Steelyard", page_icon="⚖️", layout="wide", initial_sidebar_state="collapsed")
run_page()
