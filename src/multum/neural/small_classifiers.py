"""Small classifiers that start from nothing: text from bytes, and images.

Both are ordinary `transformers` architectures, sized for minutes on a processor.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from multum.neural.classifiers import Classifier
from multum.neural.features import MOST_TOKENS, TextReader, enlarge_images, measure_images

PADDING, START, HIDDEN = "<pad>", "<s>", "<mask>"
# Merges of bytes that are learnt from the texts: enough for common words, few enough that each is seen often.
MOST_MERGES = 2048
# Bytes of the longest token: five Chinese characters, or a long word.
LONGEST_TOKEN = 16
WIDTH = 128
LAYERS = 1
DROPOUT = 0.3
# Tokens that one token attends to: its phrase, not its document; the mean over tokens does the rest.
NEIGHBOURHOOD = 32
# Channels of the stages of the network for images; each stage after the first halves height and width.
STAGES = (32, 64, 128)
# Pixels of a side that the stages can divide and leave something to look at.
LEAST_SIDE = 24


def make_text_classifier(
    texts: Sequence[str],
    classes: Sequence[str],
    most_tokens: int = MOST_TOKENS,
    dropout: float = DROPOUT,
    seed: int = 0,
) -> Classifier:
    """Return an untrained classifier of texts whose tokens are merges of bytes, learnt from `texts` alone.

    It is a ModernBERT with one layer of local attention and the mean over tokens before the head; any
    text can be read, as every byte has a token. Source: Warner et al. 2024; Sennrich, Haddow and Birch 2016.
    """
    from transformers import ModernBertConfig, ModernBertForSequenceClassification

    tokenizer = _learn_tokens(texts)
    start = tokenizer.cls_token_id
    config: Any = ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=WIDTH // 32,
        layer_types=["sliding_attention"] * LAYERS,
        local_attention=NEIGHBOURHOOD,
        max_position_embeddings=max(512, most_tokens),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=start,
        cls_token_id=start,
        eos_token_id=None,
        sep_token_id=None,
        embedding_dropout=dropout,
        mlp_dropout=dropout,
        classifier_dropout=dropout,
        classifier_pooling="mean",
        **_name_classes(classes),
    )
    torch.manual_seed(seed)
    module: Any = ModernBertForSequenceClassification(config)
    return Classifier(module.eval(), TextReader(tokenizer, most_tokens), tuple(classes))


def _learn_tokens(texts: Sequence[str]) -> Any:
    """Return a byte-level tokenizer learnt from `texts`; merges stay within a word or a run of letters."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    learner = Tokenizer(models.BPE())
    words = pre_tokenizers.Split(Regex(r" ?\w+|[^\w]"), "isolated")
    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    learner.pre_tokenizer = pre_tokenizers.Sequence([words, bytewise])
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=MOST_MERGES,
        min_frequency=3,
        special_tokens=[PADDING, START, HIDDEN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        max_token_length=LONGEST_TOKEN,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    learner.post_processor = processors.TemplateProcessing(single=f"{START} $A", special_tokens=[(START, 1)])
    wrap: Any = PreTrainedTokenizerFast
    return wrap(
        tokenizer_object=learner,
        pad_token=PADDING,
        cls_token=START,
        mask_token=HIDDEN,
        model_input_names=["input_ids", "attention_mask"],
    )


def make_image_classifier(images: NDArray[np.uint8], classes: Sequence[str], seed: int = 0) -> Classifier:
    """Return an untrained ResNet for images like `images`, uint8[n, channels, height, width].

    The stem of `transformers` divides height and width by four and each later stage by two, so that images of less
    than LEAST_SIDE pixels are enlarged by a whole number. Source: He et al. 2015.
    """
    from transformers import ResNetConfig, ResNetForImageClassification

    reader = measure_images(enlarge_images(images, -(-LEAST_SIDE // min(images.shape[2:]))))
    config: Any = ResNetConfig(
        num_channels=images.shape[1],
        embedding_size=STAGES[0],
        hidden_sizes=list(STAGES),
        depths=[2] * len(STAGES),
        layer_type="basic",
        **_name_classes(classes),
    )
    torch.manual_seed(seed)
    module: Any = ResNetForImageClassification(config)
    return Classifier(module.eval(), reader, tuple(classes))


def _name_classes(classes: Sequence[str]) -> dict[str, Any]:
    """Return the part of a config that names the classes."""
    return {"id2label": dict(enumerate(classes)), "label2id": {name: number for number, name in enumerate(classes)}}
