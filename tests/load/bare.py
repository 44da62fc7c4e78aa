"""A bare Streamlit page with the widgets of the rating screen and nothing behind them: what to compare it with."""

import streamlit as st

WORDS = "the answer leaves out what was asked for and says in plain words how to do it safely step by step "

st.set_page_config(layout="wide")
item = st.session_state.setdefault("item", 1)


def go_on() -> None:
    """The next item."""
    st.session_state["item"] += 1


reading, panel = st.columns([2.5, 1])
with reading:
    st.html(f"<p>Question {item}</p>")
    for letter, column in zip("AB", st.columns(2, border=True), strict=True):
        with column, st.container(key=f"response-{letter}-{item}"):
            st.html(f"<h3>Response {letter}</h3><p>Item {item}{letter}. {WORDS * 12}</p>")
with panel, st.container(key="panel"):
    for number in range(1, 6):
        st.segmented_control(
            f"Question {number}", ["A3", "A2", "A1", "=", "B1", "B2", "B3", "?"], key=f"q{number}-{item}"
        )
    st.multiselect("More", ["one", "two", "three"], key=f"more-{item}")
    st.text_area("Justification", key=f"rate-{item}-why")
    st.segmented_control("Sure?", ["1", "2", "3", "4", "5"], key=f"sure-{item}")
    st.button("Submit", key=f"rate-{item}-submit", type="primary", shortcut="Mod+Enter", on_click=go_on)
    with st.popover("Skip"):
        st.radio("Why?", ["one", "two", "three", "four", "five"], index=None, key=f"why-{item}")
        st.button("Skip", key=f"skip-{item}")
    with st.popover("More"):
        for number in range(6):
            st.button(f"Entry {number}", key=f"entry-{number}-{item}")
    for number in range(3):
        st.toggle(f"Switch {number}", key=f"switch-{number}")
    for number in range(2):
        st.button(f"Open {number}", key=f"open-{number}")
