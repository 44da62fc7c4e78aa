"""Packed linear layers: the rewards of the plain ones, for encoders and causal models."""

from __future__ import annotations

import pytest
import torch

from reward.models import load_base, load_tokenizer, resolve_base
from reward.packing import PackedLinear, can_pack, pack_linear_layers

pytestmark = pytest.mark.skipif(not can_pack(), reason="this PyTorch has no packed layers for this processor")


@pytest.mark.parametrize("architecture", ["bert", "qwen"])
def test_packed_layers_give_the_same_rewards(request, architecture):
    directory = str(request.getfixturevalue(f"{architecture}_dir"))
    pad = load_tokenizer(directory).pad_token_id
    plain, packed = (
        load_base(resolve_base(directory), pooling="model", pad_token_id=pad, seed=0).eval() for _ in range(2)
    )
    n_linear = sum(type(module) is torch.nn.Linear for module in plain.modules())
    n_packed = pack_linear_layers(packed)
    assert n_packed == n_linear - 1, "all but the head"
    ids = torch.randint(5, 50, (3, 40), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 20:] = 0
    with torch.inference_mode():
        expected, found = (model(input_ids=ids, attention_mask=mask).logits for model in (plain, packed))
    assert torch.allclose(found, expected, atol=1e-6)
    assert not torch.equal(expected[0], expected[2])
    assert pack_linear_layers(packed) == 0, "packed once"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(64,), (5, 64), (2, 3, 64)])
def test_one_layer_with_and_without_gelu(bias, shape):
    torch.manual_seed(1)
    layer, inputs = torch.nn.Linear(64, 32, bias=bias), torch.randn(shape)
    with torch.inference_mode():
        expected = layer(inputs)
        assert torch.allclose(PackedLinear(layer)(inputs), expected, atol=1e-6)
        found = PackedLinear(layer, activation="gelu")(inputs)
    assert torch.allclose(found, torch.nn.functional.gelu(expected), atol=1e-6)


def test_half_precision_is_left_alone():
    model = torch.nn.Sequential(torch.nn.Linear(64, 64).to(torch.bfloat16), torch.nn.Linear(64, 1))
    assert pack_linear_layers(model) == 0
