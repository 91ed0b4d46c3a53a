"""Pipelines of diffusers with random weights, small enough for a test; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["save_flux", "save_stable_diffusion"]

_WORDS = (
    "a", "calm", "close", "dancers", "empty", "lighthouse", "night", "of", "pier", "restless", "shot", "text", "train",
    "two", "up", "watermark", "wide",
)  # fmt: skip


def save_stable_diffusion(folder: Path, *, seed: int = 1, checked: bool = False) -> Path:
    """Stable Diffusion; `checked`: with a safety checker that refuses whatever it sees."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(16, 32),
        norm_num_groups=8, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=16, attention_head_dim=4,
    )  # fmt: skip
    StableDiffusionPipeline(
        vae=_vae(4),
        text_encoder=_text_encoder(),
        tokenizer=_tokenizer(),
        unet=unet,
        scheduler=DDIMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
        ),
        requires_safety_checker=checked,
        **_checker(checked),
    ).save_pretrained(folder)
    return folder


def save_flux(folder: Path) -> Path:
    """Flux, a transformer, distilled as FLUX.1-schnell is."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(2)
    transformer = FluxTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, pooled_projection_dim=16, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    words = T5Config(vocab_size=64, d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4)
    FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_vae(4),
        text_encoder=_text_encoder(),
        tokenizer=_tokenizer(),
        text_encoder_2=T5EncoderModel(words).eval(),
        tokenizer_2=_plain_tokenizer(),
        transformer=transformer,
    ).save_pretrained(folder)
    return folder


def _vae(channels: int) -> Any:
    """An eighth of the picture each way, as those of the real models."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), norm_num_groups=4, latent_channels=channels, shift_factor=0.0,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip


def _text_encoder() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    size = len(_WORDS) + 2
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=size, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
            projection_dim=16, bos_token_id=size - 2, eos_token_id=size - 1, pad_token_id=size - 1,
        )
    ).eval()  # fmt: skip


def _plain_tokenizer() -> Any:
    """One number a word; words that it does not know are left to one of them."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel({"<pad>": 0, "<unk>": 1} | {w: n for n, w in enumerate(_WORDS, 2)}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", unk_token="<unk>", model_max_length=16)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    start, end, size = "<|startoftext|>", "<|endoftext|>", len(_WORDS)
    made = Tokenizer(models.WordLevel({w: n for n, w in enumerate(_WORDS)} | {start: size, end: size + 1}, end))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, size), (end, size + 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=start, eos_token=end, unk_token=end, pad_token=end, model_max_length=77
    )


def _checker(checked: bool) -> dict[str, Any]:
    if not checked:
        return {"safety_checker": None, "feature_extractor": None}
    import torch
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config=sizes, vision_config=sizes | {"image_size": 32, "patch_size": 16, "projection_dim": 16},
        projection_dim=16,
    )  # fmt: skip
    made = StableDiffusionSafetyChecker(config)
    made.concept_embeds_weights.data = torch.full_like(made.concept_embeds_weights, -2.0)  # below any likeness
    side = {"height": 32, "width": 32}
    return {
        "safety_checker": made.eval(),
        "feature_extractor": CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=side),
    }
