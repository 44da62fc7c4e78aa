"""What a justification is checked against: the texts that it may quote, and the rater's own earlier words."""

from __future__ import annotations

from sqlalchemy import Connection, String, cast, func, insert, select

from app.services.showing import ERASED, material_of, prompt_from_text
from app.stats.near_copies import SIMILARITY, likely_copies, similarity, sketch
from app.store import tables
from rubrics.justification import Grounds
from rubrics.model import Rubric

_sketch = tables.justification_sketch


def find_grounds(
    connection: Connection, rubric: Rubric, *, rater_id: int, assignment_id: int, text: str
) -> Grounds | None:
    """What the rubric's rules need to check a justification; None where no rule needs anything.

    Args:
        connection: a transaction.
        rubric: the rubric version of the round.
        rater_id: whose justification it is.
        assignment_id: of what; its own earlier revisions are no copies.
        text: the justification as it will be stored.
    """
    if not needs_grounds(rubric, text):
        return None
    responses, prompt = _texts(connection, assignment_id)
    must_differ = rubric.justification.must_not_repeat
    copied = find_copied(connection, rater_id, assignment_id, text) if must_differ else None
    return Grounds(responses, prompt, copied)


def needs_grounds(rubric: Rubric, text: str) -> bool:
    """Whether some rule of the rubric checks this justification against more than itself and the answers."""
    rule = rubric.justification
    return bool(text.strip()) and (rule.quotes_must_exist or rule.must_not_repeat or rule.must_match_choice)


def find_copied(connection: Connection, rater_id: int, assignment_id: int, text: str) -> str | None:
    """An earlier justification of the rater's on another comparison that this text nearly repeats, None where none is.

    What was said of the same comparison is no copy: a refusal would tell a blind repeat. Judgments given before
    sketches were kept are not looked at.
    """
    wanted = sketch(text)
    if wanted is None:
        return None
    ids, sketches = _known(connection, rater_id)
    near = likely_copies(wanted, sketches)
    if not near:
        return None
    judgment, assignment = tables.judgment, tables.assignment
    here = select(assignment.c.comparison_id).where(assignment.c.id == assignment_id).scalar_subquery()
    earlier = connection.scalars(
        select(judgment.c.justification)
        .join(assignment, assignment.c.id == judgment.c.assignment_id)
        .where(judgment.c.id.in_([ids[place] for place in near]), assignment.c.comparison_id != here)
        .order_by(judgment.c.id)
    )
    return next((one for one in earlier if similarity(one, text) >= SIMILARITY), None)


def _known(connection: Connection, rater_id: int) -> tuple[list[int], bytes]:
    """The judgments of a rater that have sketches, and these one after the other.

    One row that the database puts together: ten thousand rows would take four times as long to read.
    """
    if connection.dialect.name == "sqlite":
        together, in_hex = func.group_concat, func.hex(_sketch.c.sketch)
    else:
        together, in_hex = func.string_agg, func.encode(_sketch.c.sketch, "hex")
    numbers = together(cast(_sketch.c.judgment_id, String), ",")
    row = connection.execute(select(numbers, together(in_hex, "")).where(_sketch.c.rater_id == rater_id)).one()
    return ([int(one) for one in row[0].split(",")], bytes.fromhex(row[1])) if row[0] else ([], b"")


def remember(connection: Connection, rater_id: int, judgment_id: int, text: str) -> None:
    """Keep the sketch of a justification that was handed in."""
    made = sketch(text)
    if made is not None:
        connection.execute(insert(_sketch), {"rater_id": rater_id, "judgment_id": judgment_id, "sketch": made})


def _texts(connection: Connection, assignment_id: int) -> tuple[dict[str, str], str]:
    """The responses of an assignment in the order shown, and all that is shown before them: prompt and reference."""
    assignment, comparison, completion, content = (
        tables.assignment,
        tables.comparison,
        tables.completion,
        tables.content,
    )
    row = connection.execute(
        select(assignment.c.shown, assignment.c.comparison_id, comparison.c.meta, content.c.body)
        .join(comparison, comparison.c.id == assignment.c.comparison_id)
        .join(content, content.c.hash == comparison.c.prompt_hash)
        .where(assignment.c.id == assignment_id)
    ).one()
    found = connection.execute(
        select(completion.c.slot, content.c.body)
        .join(content, content.c.hash == completion.c.text_hash)
        .where(completion.c.comparison_id == row.comparison_id)
    )
    texts = {one.slot: ERASED if one.body is None else one.body for one in found}
    material = material_of(row.meta or {})
    before = [turn.content for turn in prompt_from_text(row.body)]
    before += [*material.constraints, *(part for document in material.documents for part in document)]
    return {slot: texts[slot] for slot in row.shown or sorted(texts)}, "\n".join(before)
