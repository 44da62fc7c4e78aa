"""Token ids of prompts and responses: the right special tokens, and nothing cut without a count."""

from __future__ import annotations

import pytest

from reward.errors import RewardError
from reward.models import load_tokenizer
from reward.rendering import Renderer, choose_layout
from tests.reward.tiny import qwen_tokenizer

USER = (("user", "question 1"),)


@pytest.fixture
def bert(bert_dir):
    return load_tokenizer(str(bert_dir))


def test_layouts_follow_the_tokenizer(bert):
    assert choose_layout(bert) == "pair"
    assert choose_layout(qwen_tokenizer()) == "template"
    assert choose_layout(qwen_tokenizer(template=None)) == "plain"


def test_a_chat_template_that_leaves_out_cls_is_passed_over_by_an_encoder(bert):
    """A template adds no special tokens: the head would read the role's name in place of [CLS]."""
    bert.chat_template = qwen_tokenizer().chat_template
    assert choose_layout(bert) == "pair"
    bert.chat_template = "[CLS]{% for m in messages %}{{ m.content }}[SEP]{% endfor %}"
    assert choose_layout(bert) == "template"
    [one] = Renderer(bert, layout="template", max_length_tokens=64).render([(USER, "clear")])
    assert one.ids == bert("question 1", "clear")["input_ids"]


def test_an_encoder_pair_is_what_the_tokenizer_itself_makes_and_ends_once(bert):
    [one] = Renderer(bert, layout="pair", max_length_tokens=64).render([(USER, "the answer is clear")])
    assert one.ids == bert("question 1", "the answer is clear")["input_ids"]
    assert one.ids.count(bert.sep_token_id) == 2
    assert one.ids[-2] != bert.sep_token_id
    assert (one.n_prompt_cut, one.n_response_cut) == (0, 0)


def test_special_tokens_inside_a_response_stay_text(bert):
    [one] = Renderer(bert, layout="pair", max_length_tokens=64).render([(USER, "clear [SEP] wrong")])
    assert one.ids.count(bert.sep_token_id) == 2
    chat = qwen_tokenizer()
    [two] = Renderer(chat, layout="template", max_length_tokens=200).render([(USER, "yes<|im_end|>no")])
    assert two.ids.count(chat.eos_token_id) == 2  # the user's turn and the assistant's, none from the response


def test_a_template_gives_the_ids_of_the_whole_conversation():
    tokenizer = qwen_tokenizer()
    prompt = (("system", "be kind"), ("user", "hi"), ("assistant", "hello"), ("user", "why?"))
    messages = [{"role": role, "content": content} for role, content in prompt]
    whole = tokenizer.apply_chat_template([*messages, {"role": "assistant", "content": "so"}], tokenize=False)
    [one] = Renderer(tokenizer, layout="template", max_length_tokens=400).render([(prompt, "so")])
    assert one.ids == tokenizer(whole, add_special_tokens=False)["input_ids"]


def test_a_start_token_in_the_template_comes_once_and_survives_cutting():
    tokenizer = qwen_tokenizer(template="<|im_start|>{% for m in messages %}{{ m.role }}:{{ m.content }}\n{% endfor %}")
    tokenizer.bos_token = "<|im_start|>"
    [one] = Renderer(tokenizer, layout="template", max_length_tokens=32).render([((("user", "x" * 100),), "yes")])
    assert one.ids.count(tokenizer.bos_token_id) == 1
    assert one.ids[0] == tokenizer.bos_token_id
    assert len(one.ids) == 32


def test_plain_text_ends_with_one_end_token():
    tokenizer = qwen_tokenizer(template=None)
    [one] = Renderer(tokenizer, layout="plain", max_length_tokens=200).render([(USER, "yes")])
    assert tokenizer.decode(one.ids) == "User: question 1\n\nAssistant:\nyes<|im_end|>"


def test_the_prompt_loses_its_beginning_first(bert):
    prompt = (("user", " ".join(str(i % 10) for i in range(30))),)
    [one] = Renderer(bert, layout="pair", max_length_tokens=32).render([(prompt, "the answer is clear")])
    # 32 - 3 special tokens - 4 of the response leave 25 of the prompt's 30
    assert (one.n_prompt_cut, one.n_response_cut) == (5, 0)
    assert one.ids == bert(" ".join(str(i % 10) for i in range(5, 30)), "the answer is clear")["input_ids"]


def test_a_response_is_cut_last_and_the_prompt_keeps_an_eighth(bert):
    prompt = (("user", " ".join("0" * 30)),)
    [one] = Renderer(bert, layout="pair", max_length_tokens=32).render([(prompt, " ".join("1" * 40))])
    # 32 // 8 = 4 tokens of the prompt stay, so 32 - 3 - 4 = 25 of the response
    assert (one.n_prompt_cut, one.n_response_cut) == (26, 15)
    assert len(one.ids) == 32
    assert one.ids[-1] == bert.sep_token_id


def test_rendering_does_not_depend_on_the_company(bert):
    renderer = Renderer(bert, layout="pair", max_length_tokens=32)
    texts = [(USER, "clear"), (USER, "the answer is " * 20), ((), ""), (USER, "")]
    assert renderer.render(texts) == [renderer.render([text])[0] for text in texts]


def test_each_distinct_prompt_is_tokenised_once(bert, monkeypatch):
    renderer = Renderer(bert, layout="pair", max_length_tokens=64)
    seen: list[str] = []
    tokenise = renderer._tokenise
    monkeypatch.setattr(renderer, "_tokenise", lambda texts, **kw: seen.extend(texts) or tokenise(texts, **kw))
    renderer.render([(USER, "clear"), (USER, "wrong"), (USER, "clear")])
    renderer.render([(USER, "kind")])
    assert seen == ["question 1", "clear", "wrong", "kind"]


def test_what_cannot_be_rendered_is_refused(bert):
    with pytest.raises(RewardError, match="16 or more"):
        Renderer(bert, layout="pair", max_length_tokens=8)
    with pytest.raises(RewardError, match="'chat' is not known"):
        Renderer(bert, layout="chat", max_length_tokens=64)
    strict = qwen_tokenizer(template="{{ raise_exception('roles must alternate') }}")
    with pytest.raises(RewardError, match="roles must alternate"):
        Renderer(strict, layout="template", max_length_tokens=64).render([(USER, "yes")])
    deaf = qwen_tokenizer(template="{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}")
    with pytest.raises(RewardError, match="does not show the assistant's last turn"):
        Renderer(deaf, layout="template", max_length_tokens=64).render([(USER, "yes")])
