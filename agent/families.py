"""The family of a local model, by its configuration: which class reads it, and which of ours scores with it."""

from __future__ import annotations

from typing import Any, Literal

from .language_model import LanguageModel

Family = Literal["causal", "seq2seq", "masked", "permutation"]


def family_of(config: Any) -> Family:
    """The family of a transformers configuration. Raises ValueError for a model that gives no words."""
    from transformers.models.auto import modeling_auto as auto

    kind, made_as = config.model_type, (getattr(config, "architectures", None) or [""])[0]
    causal, masked = (
        kind in names for names in (auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES)
    )
    if kind == "xlnet":
        return "permutation"
    if config.is_encoder_decoder and kind in auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        return "seq2seq"
    # BERT and its kin can be both; what a model was saved as decides, then whether it is meant as a decoder.
    if masked and not (causal and (made_as.endswith(("ForCausalLM", "LMHeadModel")) or _decodes(config))):
        return "masked"
    if causal:
        return "causal"
    raise ValueError(
        f"Expected a language model (causal, sequence-to-sequence, masked, or XLNet), got the model type {kind!r}, "
        "which gives no words. Pass the folder of another model."
    )


def reader(family: Family) -> Any:
    """The class of transformers that reads a model of this family."""
    import transformers as hf

    classes = {
        "causal": hf.AutoModelForCausalLM,
        "seq2seq": hf.AutoModelForSeq2SeqLM,
        "masked": hf.AutoModelForMaskedLM,
        "permutation": hf.XLNetLMHeadModel,
    }
    return classes[family]


def scorer(model: Any, tokenizer: Any, *, name: str, says_skills: bool = False) -> LanguageModel:
    """The `LanguageModel` of a loaded model."""
    family = family_of(model.config)
    if family == "seq2seq":
        from .seq2seq_lm import Seq2SeqLM

        return Seq2SeqLM(model, tokenizer, name=name)
    if family == "masked":
        from .masked_lm import MaskedLM

        return MaskedLM(model, tokenizer, name=name)
    if family == "permutation":
        from .permutation_lm import PermutationLM

        return PermutationLM(model, tokenizer, name=name)
    from .uncached_lm import UncachedLM, keeps_tokens

    if not keeps_tokens(model.eval()):
        return UncachedLM(model, tokenizer, name=name, says_skills=says_skills)
    from .causal_lm import CausalLM

    return CausalLM(model, tokenizer, name=name, says_skills=says_skills)


def _decodes(config: Any) -> bool:
    return bool(getattr(config, "is_decoder", False))
