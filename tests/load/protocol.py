"""One tab of a browser, as the server sees it: Streamlit's protobuf messages over its websocket.

A tab sends a `BackMsg` with the state of every widget that was touched, and reads `ForwardMsg`s until the script has
run. Messages that the server knows to be cached come as a reference to their hash. Widgets are found by the key that
the page gave them, which is the end of their id.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from app.web.gate import COOKIE

WIDGETS = ("button", "button_group", "text_area", "text_input", "selectbox", "checkbox")
MAX_MESSAGE = 64 * 1024 * 1024


class PageFailed(Exception):
    """The page showed an exception or an error instead of what was asked for."""


@dataclass
class Tab:
    """A page that is open.

    Attributes:
        widgets: key -> the element, as of the last run.
    """

    socket: websockets.ClientConnection
    page_name: str
    query: str
    widgets: dict[str, Any] = field(default_factory=dict)
    _states: dict[str, WidgetState] = field(default_factory=dict)
    _cache: dict[str, ForwardMsg] = field(default_factory=dict)
    _page_hash: str = ""

    @classmethod
    async def open(cls, url: str, token: str, *, page_name: str, query: str = "") -> Tab:
        """Connect as somebody who is logged in, and let the page run once."""
        socket = await websockets.connect(
            url.replace("http://", "ws://") + "/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            additional_headers={"Cookie": f"{COOKIE}={token}", "Origin": url},
            max_size=MAX_MESSAGE,
            ping_interval=None,
            compression=None,
        )
        tab = cls(socket, page_name, query)
        await tab.run()
        return tab

    async def close(self) -> None:
        """Close the tab."""
        await self.socket.close()

    def key_like(self, ending: str) -> str | None:
        """The key of the widget that ends so; None where there is none."""
        return next((key for key in self.widgets if key.endswith(ending)), None)

    async def choose(self, key: str, place: int) -> float:
        """Click an option of a segmented control; seconds until the page has run."""
        widget = self.widgets[key]
        state = WidgetState(id=widget.id)
        state.string_array_value.data.append(widget.options[place].content)
        self._states[widget.id] = state
        return await self.run()

    async def write(self, key: str, text: str) -> float:
        """Type a text and leave the field; seconds until the page has run."""
        widget = self.widgets[key]
        self._states[widget.id] = WidgetState(id=widget.id, string_value=text)
        return await self.run()

    async def press(self, key: str) -> float:
        """Press a button; seconds until the page has run."""
        return await self.run(pressed=self.widgets[key].id)

    async def run(self, *, pressed: str | None = None) -> float:
        """One run of the script with the widgets as they are; seconds from sending until it has finished."""
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_name, client.page_script_hash = self.query, self.page_name, self._page_hash
        client.cached_message_hashes.extend(self._cache)
        client.widget_states.widgets.extend(self._states.values())
        if pressed is not None:
            client.widget_states.widgets.append(WidgetState(id=pressed, trigger_value=True))
        began = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        await self._read_run()
        return time.perf_counter() - began

    async def _read_run(self) -> None:
        """Read messages until the script has finished; what it showed replaces what was there."""
        found: dict[str, Any] = {}
        while True:
            message = ForwardMsg()
            message.ParseFromString(await asyncio.wait_for(self.socket.recv(), 120))  # type: ignore[arg-type]
            kind = message.WhichOneof("type")
            if kind == "ref_hash":
                message, kind = self._cache[message.ref_hash], "delta"
            elif message.metadata.cacheable:
                self._cache[message.hash] = message
            if kind == "new_session":
                found = {}
            elif kind == "navigation":
                self._page_hash = message.navigation.page_script_hash
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                _note(found, message.delta.new_element)
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        self.widgets = found
        there = {widget.id for widget in found.values()}
        self._states = {one: state for one, state in self._states.items() if one in there}


def _note(found: dict[str, Any], element: Element) -> None:
    """Remember a widget under its key; an exception on the page is one here."""
    kind = element.WhichOneof("type")
    if kind == "exception":
        raise PageFailed(f"{element.exception.type}: {element.exception.message}")
    if kind == "alert" and element.alert.format == element.alert.ERROR:
        raise PageFailed(element.alert.body)
    if kind in WIDGETS:
        widget = getattr(element, kind)
        found[widget.id.split("-", 2)[-1]] = widget
