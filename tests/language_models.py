"""Text checkpoints with random weights, made on the spot."""

import json
import random

import sentencepiece
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    GPT2Config,
    GPT2Model,
    PreTrainedTokenizerFast,
    T5Config,
    T5Model,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

SMALL = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
FAMILY = {
    "bert": (BertConfig, BertModel, SMALL | {"intermediate_size": 64}),
    "bert for masked words": (BertConfig, BertForMaskedLM, SMALL | {"intermediate_size": 64}),
    "distilbert": (DistilBertConfig, DistilBertModel, {"vocab_size": 64, "dim": 32, "n_layers": 3, "n_heads": 4}),
    "gpt2": (GPT2Config, GPT2Model, {"vocab_size": 64, "n_embd": 32, "n_layer": 3, "n_head": 4}),
    "t5": (T5Config, T5Model, {"vocab_size": 64, "d_model": 32, "num_layers": 3, "num_heads": 4, "d_kv": 8}),
}
TOKENS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *["i", "am", "so", "happy", "to", "see", "you", "this", "is", "the", "day", "no", "it", "rains", "again", "and"],
)
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


def make(folder, architecture="bert", special=SPECIAL, **config):
    """Write a small random checkpoint whose tokens are words; return it as a config names it."""
    config_class, model_class, small = FAMILY[architecture]
    torch.manual_seed(0)
    model_class(config_class(**(small | {"initializer_range": 0.5} | config))).save_pretrained(folder)
    vocabulary = {token: index for index, token in enumerate(TOKENS)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $0 [SEP]", special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    )
    PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=64, **special).save_pretrained(folder)
    return {"path": str(folder)}


def write_xlm_r(folder, **changes):
    """The files of cardiffnlp/twitter-xlm-roberta-base-sentiment: a SentencePiece model and no tokenizer.json."""
    folder.mkdir()
    vocabulary = "i am so happy to see you this is the worst day of my life no it rains again café naïve 日本語 it's"
    chooser = random.Random(0)
    lines = [" ".join(chooser.choices(vocabulary.split(), k=8)) for _ in range(500)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(folder / "sentencepiece.bpe"),
        vocab_size=60,
        hard_vocab_limit=False,
        character_coverage=1.0,
        minloglevel=2,
    )
    (folder / "sentencepiece.bpe.vocab").unlink()
    # A fairseq vocabulary has <s> <pad> </s> <unk>, the pieces but for the first three, and <mask>.
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model")).get_piece_size()
    small = dict(vocab_size=pieces + 2, hidden_size=32, num_hidden_layers=2, num_attention_heads=2)
    small |= dict(intermediate_size=64, max_position_embeddings=514, type_vocab_size=1)
    small |= dict(id2label={0: "negative", 1: "neutral", 2: "positive"}, initializer_range=0.5)
    torch.manual_seed(0)
    model = XLMRobertaForSequenceClassification(XLMRobertaConfig(**(small | changes)))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    model.config.architectures = ["XLMRobertaForSequenceClassification"]
    model.config.save_pretrained(folder)
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "cls_token": "<s>"}
    special |= {"pad_token": "<pad>", "mask_token": {"content": "<mask>", "lstrip": True, "rstrip": False}}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    return folder
