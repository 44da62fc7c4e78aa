"""YAML <-> Rubric. Errors name file and line, and list everything that is wrong.

Documents are YAML 1.2, UTF-8, read without constructing anything but plain values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from rubrics.errors import Location, RubricError, RubricProblem, suggest
from rubrics.model import Rubric

MAX_BYTES = 1_000_000
"""The largest rubric file that is read; a rubric is read by people."""


def load_rubric(path: Path | str) -> Rubric:
    """Read a rubric from a file.

    Raises:
        RubricError: when the file is missing, cannot be read, or is not a rubric; every problem with its line.
    """
    return parse_rubric(read_text(Path(path)), source=str(path))


def read_text(path: Path) -> str:
    """The text of a rubric file.

    Raises:
        RubricError: when the file is missing, cannot be read, or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _error(path, "there is no such file", "check the path, or start from a rubric of the library") from None
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}", "give a file that you may read") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        reason = f"byte {content[error.start]:#04x} is not UTF-8"
        raise _error(path, reason, "save the file as UTF-8", line=line) from None


def parse_rubric(text: str, *, source: str = "rubric") -> Rubric:
    """Read a rubric from YAML text.

    Args:
        text: one YAML 1.2 document.
        source: the file's name or another word for where the text came from, for the error.

    Raises:
        RubricError: listing every problem as `source:line: field: reason (remedy)`.
    """
    document, root = _read_yaml(text, source)
    try:
        return Rubric.from_dict(document, source=source)
    except RubricError as error:
        raise RubricError(source, [replace(p, line=_line_of(p.location, root)) for p in error.problems]) from None


def dump_rubric(rubric: Rubric) -> str:
    """Write a rubric as YAML text; `parse_rubric` gives an equal rubric back. Empty fields are left out."""
    return dump_document(styled(_compact(rubric)))


def update_document(text: str, rubric: Rubric, *, source: str = "rubric") -> str:
    """Write a rubric into an existing document and keep its comments.

    Values that did not change keep their lines, comments and order; comments on what is taken out go with it.

    Args:
        text: the YAML document as it is, a valid rubric.
        rubric: what the document should say.
        source: the file's name, for the error.

    Raises:
        RubricError: when the text is not a rubric, or when rewriting it would change a value (ruamel.yaml rounds some
            numbers with an exponent); then `dump_rubric` serves.
    """
    before = _compact(parse_rubric(text, source=source))
    updated = dump_document(_merge(load_document(text), before=before, after=_compact(rubric)))
    if parse_rubric(updated, source=source) != rubric:
        raise _error(source, "the document cannot be edited in place", "write the rubric as a new file")
    return updated


def read_values(text: str, *, source: str = "rubric") -> dict[Any, Any]:
    """The plain values of a document, a rubric or not yet.

    Raises:
        RubricError: when the text is no YAML mapping.
    """
    return _read_yaml(text, source)[0]


def line_of(text: str, locations: Sequence[Location]) -> list[int]:
    """The lines, from 1, of places in a document: of the deepest part of each that the document has.

    Raises:
        RubricError: when the text is no YAML mapping.
    """
    _, root = _read_yaml(text, "rubric", with_values=False)
    return [_line_of(location, root) for location in locations]


def library() -> dict[str, Path]:
    """The rubrics that come with Steelyard: key -> path of the YAML file, sorted by key."""
    directory = Path(str(resources.files("rubrics"))) / "library"
    return {path.stem: path for path in sorted(directory.glob("*.yaml"))}


def load_library(key: str) -> Rubric:
    """Read a rubric that comes with Steelyard.

    Raises:
        RubricError: when there is none of this key.
    """
    paths = library()
    if key not in paths:
        raise _error("rubrics/library", f"there is no rubric {key!r}", suggest(key, paths))
    return _load_once(paths[key])


@cache
def _load_once(path: Path) -> Rubric:
    """A rubric of the library, read once: lists show them all, and each takes as long to parse as a page to draw."""
    return load_rubric(path)


def _error(source: object, reason: str, remedy: str, *, line: int | None = None) -> RubricError:
    return RubricError(str(source), [RubricProblem((), reason, remedy, line)])


def _read_yaml(text: str, source: str, *, with_values: bool = True) -> tuple[dict[Any, Any], MappingNode]:
    """Plain values (where they are wanted), and the nodes that know their lines."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise _error(source, f"is larger than {MAX_BYTES} bytes", "shorten it; a rubric is read by people")
    reader = YAML(typ="safe", pure=True)
    try:
        root: Node | None = reader.compose(text)
        document = reader.constructor.construct_document(root) if root is not None and with_values else {}
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        reason = f"character {text[error.position]!r} is not allowed in YAML"
        raise _error(source, reason, "remove it", line=line) from None
    except MarkedYAMLError as error:
        raise _syntax_error(error, source) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise _error(source, f"is no readable YAML: {type(error).__name__}", "check the nesting and quotes") from None
    if root is None or document is None:
        raise _error(source, "is empty", "begin with key, title and overall")
    if not isinstance(root, MappingNode):
        what = "a list" if isinstance(root, SequenceNode) else "a single value"
        raise _error(source, f"is {what}", "write a mapping: key: ..., title: ...", line=root.start_mark.line + 1)
    return document, root


def _syntax_error(error: MarkedYAMLError, source: str) -> RubricError:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    reason = " ".join(str(error.problem or error.context or "is no readable YAML").split("\n")[0].split())
    if "\\t" in reason or "'\t'" in str(error.problem):
        return _error(source, "a tab stands where YAML wants spaces", "indent with spaces", line=line)
    duplicate = re.match(r'found duplicate key "(.*?)" with', reason)
    if duplicate:
        return _error(source, f"the key {duplicate[1]!r} stands twice", "keep one of them", line=line)
    if "expected a single document" in str(error.context):
        return _error(source, "holds more than one document", "keep one rubric per file, without ---", line=line)
    return _error(source, reason, "check indentation, colons and quotes near this line", line=line)


def _line_of(location: Location, root: Node) -> int:
    """The line of the deepest part of a location that the document has; a key's line for mapping entries."""
    node, line = root, root.start_mark.line + 1
    for part in location:
        entry = _entry(node, part)
        if entry is None:
            break
        marked, node = entry
        line = marked.start_mark.line + 1
    return line


def _entry(node: Node, part: str | int) -> tuple[Node, Node] | None:
    """The node that marks an entry's place and the node of its value."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(part)), None)
    return None


def _compact(rubric: Rubric) -> dict[str, Any]:
    """The rubric as plain values, with empty texts, lists and mappings left out."""

    def prune(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: prune(part) for key, part in value.items() if part not in ([], {})}
        return [prune(part) for part in value] if isinstance(value, list) else value

    plain = prune(rubric.to_dict())
    for holder in (plain, *plain.get("criteria", ()), *plain.get("tensions", ())):
        for field in ("instructions", "guidance"):
            if holder.get(field) == "":
                del holder[field]
    for criterion in plain.get("criteria", ()):
        if "anchors" in criterion:
            criterion["anchors"] = {int(point): text for point, text in criterion["anchors"].items()}
        for claim in ("allow_not_applicable", "veto"):
            if criterion[claim] is False:
                del criterion[claim]
    return plain


def styled(value: Any) -> Any:
    """A value as it is to be written: texts of several lines as `|` blocks, texts with unprintable signs in quotes."""
    if isinstance(value, dict):
        return {styled(key): styled(part) for key, part in value.items()}
    if isinstance(value, list):
        return [styled(part) for part in value]
    if not isinstance(value, str):
        return value
    if not value.replace("\n", "").isprintable():
        return DoubleQuotedScalarString(value)
    return LiteralScalarString(value) if _suits_literal(value) else value


def _suits_literal(text: str) -> bool:
    """Several printable lines without blanks at their ends, the text beginning and ending with a visible character."""
    lines = text.split("\n")
    return (
        len(lines) > 1 and text == text.strip() and all(line.isprintable() and line == line.rstrip() for line in lines)
    )


def _round_trip() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096  # never fold: folding leaves blanks at the ends of lines and rewrites lines nobody changed
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.preserve_quotes = True
    return yaml


def load_document(text: str) -> Any:
    """A document with its comments, order and quotes, to be edited and written again with `dump_document`."""
    return _round_trip().load(text)


def dump_document(document: Any) -> str:
    """The text of a document that `load_document` read, or of plain values."""
    stream = StringIO()
    _round_trip().dump(document, stream)
    return stream.getvalue()


def _merge(old: Any, *, before: Any, after: Any) -> Any:
    """Bring a commented value from `before` to `after`, touching only what differs; returns what stands in its place.

    `old` is the document's own value; `before` is the same value as a rubric reads it.
    """
    if before == after:
        return old
    if isinstance(old, CommentedMap) and isinstance(before, dict) and isinstance(after, dict):
        for key in [key for key in old if key in before and key not in after]:
            del old[key]
        for key, value in after.items():
            if key in old and key in before:
                old[key] = _merge(old[key], before=before[key], after=value)
            elif key not in before or before[key] != value:
                old[key] = styled(value)
        return old
    if isinstance(old, CommentedSeq) and isinstance(before, list) and isinstance(after, list):
        return _merge_list(old, before=before, after=after)
    return styled(after)


def _merge_list(old: CommentedSeq, *, before: list[Any], after: list[Any]) -> CommentedSeq:
    """Merge list entries: those with a `key` or `between` follow it wherever it moved, the others keep their place."""
    places = {_entry_name(entry, at): at for at, entry in enumerate(before)}
    merged = []
    for at, entry in enumerate(after):
        place = places.pop(_entry_name(entry, at), None)
        if place is None:
            merged.append(styled(entry))
        else:
            merged.append(_merge(old[place], before=before[place], after=entry))
    del old[len(merged) :]
    for at, entry in enumerate(merged):
        if at == len(old):
            old.append(entry)
        elif old[at] is not entry:
            old[at] = entry
    return old


def _entry_name(entry: Any, place: int) -> Any:
    if isinstance(entry, dict):
        return entry.get("key") or tuple(entry.get("between", ())) or place
    return place
