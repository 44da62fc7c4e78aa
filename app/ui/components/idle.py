"""Send what is typed into a text area after a pause, without taking the focus away."""

from __future__ import annotations

import streamlit as st

_SCRIPT = """
export default function ({ data, parentElement }) {
  const doc = parentElement.ownerDocument
  let timer
  const onInput = (event) => {
    const field = event.target
    if (field?.tagName !== 'TEXTAREA' || !field.closest('.st-key-' + data.container)) return
    clearTimeout(timer)
    timer = setTimeout(() => field.dispatchEvent(new FocusEvent('focusout', { bubbles: true })), data.after)
  }
  doc.addEventListener('input', onInput)
  return () => { clearTimeout(timer); doc.removeEventListener('input', onInput) }
}
"""

_component = st.components.v2.component("steelyard_idle", js=_SCRIPT)


def send_when_idle(container: str, *, after_milliseconds: int = 900) -> None:
    """Streamlit sends a text area when it loses the focus; do so after every pause in typing, too.

    Args:
        container: the key of the container around the text areas.
        after_milliseconds: how long a pause is.
    """
    _component(key=f"idle-{container}", data={"container": container, "after": after_milliseconds})
