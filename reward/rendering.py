"""From a prompt and a response to token ids: the same function for training, evaluating and scoring.

Three layouts, chosen from the tokenizer and recorded with the trained model:

* `template`: the tokenizer's chat template, rendered once per prompt around a place-holder for the response;
* `pair`: an encoder's pair, `[CLS] prompt [SEP] response [SEP]`, with the special tokens the tokenizer itself puts
  around a pair. A prompt of one user message is its bare text, a longer one is written as `User: ...` turns;
* `plain`: a causal model without template: `User: ...`, an empty line, `Assistant:`, the response, the end token.

Special tokens written inside a response are ordinary text: a response cannot end its own turn. Too long a text loses
the beginning of its prompt first (down to an eighth of the length), and the end of its response last; both are
counted. The rendering of a response never depends on the response that it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reward.errors import RewardError
from reward.pairs import Messages

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

LAYOUTS = ("template", "pair", "plain")
MIN_LENGTH_TOKENS = 16
MAX_KEPT_PROMPTS = 50_000
RENDERING_VERSION = 1
"""Raised when the same texts would give other ids: part of the key of the token cache."""

_PLACE_HOLDER = "\ue000response\ue001"


@dataclass(frozen=True, slots=True)
class PromptIds:
    """The tokens around a response.

    Attributes:
        head: special tokens before the prompt, never cut.
        body: the prompt, cut from the left.
        joint: special tokens between prompt and response, never cut.
        tail: what follows the response, never cut.
    """

    head: tuple[int, ...]
    body: tuple[int, ...]
    joint: tuple[int, ...]
    tail: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """One text as ids, and how many tokens of prompt and response were cut."""

    ids: list[int]
    n_prompt_cut: int
    n_response_cut: int


def choose_layout(tokenizer: PreTrainedTokenizerFast) -> str:
    """`template` where the tokenizer has a chat template, `pair` where it has [CLS] and [SEP], else `plain`.

    A chat template that an encoder came by and that leaves out its [CLS] is passed over: a template adds no special
    tokens, and a head that reads the first token would read a word.
    """
    is_encoder = bool(tokenizer.cls_token and tokenizer.sep_token)
    if tokenizer.chat_template and not (is_encoder and _leaves_out_cls(tokenizer)):
        return "template"
    return "pair" if is_encoder else "plain"


def _leaves_out_cls(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether the tokenizer begins every text with [CLS] and its chat template does not."""
    begins = tokenizer("a")["input_ids"][:1] == [tokenizer.cls_token_id]
    return begins and not any(name in str(tokenizer.chat_template) for name in (tokenizer.cls_token, "cls_token"))


class Renderer:
    """Renders prompts and responses of one tokenizer in one layout and length.

    Each distinct prompt is rendered and tokenised once (the last 50,000 of them are remembered).

    Args:
        tokenizer: a fast tokenizer.
        layout: one of `LAYOUTS`.
        max_length_tokens: the longest sequence that is ever returned.

    Raises:
        RewardError: an unknown layout, a slow tokenizer, or a length below 16 tokens.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, *, layout: str, max_length_tokens: int) -> None:
        if layout not in LAYOUTS:
            raise RewardError(f"The layout {layout!r} is not known; the layouts are {', '.join(LAYOUTS)}.")
        if not tokenizer.is_fast:
            raise RewardError(f"{type(tokenizer).__name__} is not a fast tokenizer; choose a base model with one.")
        if max_length_tokens < MIN_LENGTH_TOKENS:
            raise RewardError(f"A length of {max_length_tokens} tokens is too short; give {MIN_LENGTH_TOKENS} or more.")
        self.tokenizer = tokenizer
        self.layout = layout
        self.max_length_tokens = max_length_tokens
        self._prompts: dict[Messages, PromptIds] = {}
        self._pair_specials = _pair_specials(tokenizer) if layout == "pair" else None

    def render(self, texts: Sequence[tuple[Messages, str]]) -> list[Rendered]:
        """Render (prompt, response) texts, in order, with one batched call for the prompts and one for the responses.

        Raises:
            RewardError: the chat template refuses a prompt, or leaves no room for a response.
        """
        self._add_prompts(prompt for prompt, _ in texts)
        distinct = list(dict.fromkeys(response for _, response in texts))
        ids = dict(zip(distinct, self._tokenise(distinct, as_text=True), strict=True))
        return [self._assemble(self._prompts[prompt], ids[response]) for prompt, response in texts]

    def _add_prompts(self, prompts: Iterable[Messages]) -> None:
        wanted = list(dict.fromkeys(prompts))
        if len(self._prompts) + len(wanted) > MAX_KEPT_PROMPTS:
            self._prompts.clear()  # keeps memory flat on endless input
        new = [prompt for prompt in wanted if prompt not in self._prompts]
        if not new:
            return
        if self.layout == "template":
            self._prompts.update(zip(new, self._template_prompts(new), strict=True))
        else:
            render = _pair_text if self.layout == "pair" else _plain_text
            bodies = self._tokenise([render(prompt) for prompt in new], as_text=True)
            head, joint, tail = self._pair_specials or (self._plain_head(), (), self._plain_tail())
            self._prompts.update(
                {prompt: PromptIds(head, tuple(body), joint, tail) for prompt, body in zip(new, bodies, strict=True)}
            )

    def _template_prompts(self, prompts: Sequence[Messages]) -> list[PromptIds]:
        sides = [self._template_sides(prompt) for prompt in prompts]
        before = self._tokenise([side[0] for side in sides], as_text=False)
        after = self._tokenise([side[1] for side in sides], as_text=False)
        start = self.tokenizer.bos_token_id
        heads = [1 if start is not None and ids[:1] == [start] else 0 for ids in before]
        return [
            PromptIds(tuple(ids[:n]), tuple(ids[n:]), (), tuple(end))
            for ids, n, end in zip(before, heads, after, strict=True)
        ]

    def _template_sides(self, prompt: Messages) -> tuple[str, str]:
        """What the chat template writes before and after the response."""
        from jinja2 import TemplateError

        messages = [{"role": role, "content": content} for role, content in prompt]
        messages.append({"role": "assistant", "content": _PLACE_HOLDER})
        try:
            text = self.tokenizer.apply_chat_template(messages, tokenize=False)
        except TemplateError as error:
            roles = [role for role, _ in prompt]
            raise RewardError(f"The chat template refuses a prompt with the roles {roles}: {error}.") from error
        before, found, after = text.partition(_PLACE_HOLDER)
        if not found:
            raise RewardError("The chat template does not show the assistant's last turn; another template is needed.")
        return before, after

    def _tokenise(self, texts: Sequence[str], *, as_text: bool) -> list[list[int]]:
        """Ids without added special tokens; with `as_text`, special tokens in the text stay ordinary text."""
        if not texts:
            return []
        encoding = self.tokenizer(
            list(texts), add_special_tokens=False, split_special_tokens=as_text, truncation=False, verbose=False
        )
        return encoding["input_ids"]

    def _plain_head(self) -> tuple[int, ...]:
        """The start token, where the tokenizer puts one before a single text."""
        ids, bare = self.tokenizer("a")["input_ids"], self.tokenizer("a", add_special_tokens=False)["input_ids"]
        start = self.tokenizer.bos_token_id
        return (start,) if start is not None and ids[:1] == [start] and bare[:1] != [start] else ()

    def _plain_tail(self) -> tuple[int, ...]:
        end = self.tokenizer.eos_token_id
        return () if end is None else (end,)

    def _assemble(self, prompt: PromptIds, response: list[int]) -> Rendered:
        budget = self.max_length_tokens - len(prompt.head) - len(prompt.joint) - len(prompt.tail)
        floor = min(len(prompt.body), self.max_length_tokens // 8)
        if budget - floor < 1:
            raise RewardError(
                f"The special tokens around a response leave no room in {self.max_length_tokens} tokens; "
                "give a larger --max-length-tokens."
            )
        kept = response[: budget - floor]
        n_prompt = min(len(prompt.body), budget - len(kept))
        body = prompt.body[len(prompt.body) - n_prompt :]
        ids = [*prompt.head, *body, *prompt.joint, *kept, *prompt.tail]
        return Rendered(ids=ids, n_prompt_cut=len(prompt.body) - n_prompt, n_response_cut=len(response) - len(kept))


def _pair_specials(tokenizer: PreTrainedTokenizerFast) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The special tokens before, between and after the two texts of a pair, as the tokenizer itself places them."""
    encoding = tokenizer("a", "b")
    ids, sides = encoding["input_ids"], encoding.sequence_ids(0)
    first, second = sides.index(0), sides.index(1)
    last = len(sides) - 1 - sides[::-1].index(1)
    end_of_first = max(i for i, side in enumerate(sides) if side == 0)
    return tuple(ids[:first]), tuple(ids[end_of_first + 1 : second]), tuple(ids[last + 1 :])


def _turns(prompt: Messages) -> str:
    return "\n\n".join(f"{role.capitalize()}: {content}" for role, content in prompt)


def _pair_text(prompt: Messages) -> str:
    if len(prompt) == 1 and prompt[0][0] == "user":
        return prompt[0][1]
    return _turns(prompt)


def _plain_text(prompt: Messages) -> str:
    return f"{_turns(prompt)}\n\nAssistant:\n" if prompt else "Assistant:\n"
