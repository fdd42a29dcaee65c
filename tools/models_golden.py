"""Golden numbers for the networks of sdvp-models. Needs torch, transformers,
peft and Pillow.

    python tools/models_golden.py crates

writes into `sdvp-models/tests/golden` one file an architecture: a tiny network with random weights under the names of published
checkpoints (`weight/…`), what it is given (`input/…`), what transformers computes (`output/…`), and
the gradients (`gradient/…`) of the sum of the outputs times the numbers in `probe/…`. Sizes are in
the file's metadata, as in a published `config.json`. `clip_adapter/` is an adapter of the CLIP as peft
saves it. Into `sdvp-modules/tests/golden/published` it writes whole folders as they are downloaded.

    python tools/models_golden.py crates --adapter FOLDER

loads an adapter that sdvp saved and writes the logits that peft computes with it beside it, to
`expected.safetensors`.
"""

import json
import sys
from pathlib import Path

import peft
import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.core_model_loading import revert_weight_conversion
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil
from transformers.models.owlvit.image_processing_pil_owlvit import OwlViTImageProcessorPil
from transformers.models.vilt.image_processing_pil_vilt import ViltImageProcessorPil

SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
PICTURES, LENGTH, WORDS, SIDE, PATCH = 2, 5, 12, 12, 4


def texts(count):
    """Ids whose last one is the greatest, where CLIP's text tower is read off, then padding."""
    ids = torch.randint(1, WORDS - 1, (count, LENGTH))
    last = torch.tensor([LENGTH - 1 - i % 2 for i in range(count)])
    for row, end in enumerate(last):
        ids[row, end] = WORDS - 1
        ids[row, end + 1 :] = 0
    return ids, last


def write(folder, name, config, model, inputs, outputs):
    tensors = {}
    probes = {key: torch.randn_like(value) for key, value in outputs.items()}
    sum((outputs[key] * probes[key]).sum() for key in outputs).backward()
    # Published checkpoints carry more than they use, and some classes have renamed their parts.
    used = {key: value for key, value in model.named_parameters() if value.grad is not None}
    for key, value in revert_weight_conversion(model, used).items():
        tensors[f"weight/{key}"] = value.detach()
    for key, value in revert_weight_conversion(model, {key: used[key].grad for key in used}).items():
        tensors[f"gradient/{key}"] = value
    for kind, part in [("input", inputs), ("output", outputs), ("probe", probes)]:
        for key, value in part.items():
            tensors[f"{kind}/{key}"] = value.detach()
    tensors = {key: value.contiguous().clone() for key, value in tensors.items()}
    metadata = {"config": json.dumps(config), "transformers": transformers.__version__}
    save_file(tensors, folder / f"{name}.safetensors", metadata)


def enlarge(model):
    """Fresh weights of these classes are small or zero; larger ones show what differs."""
    model.eval()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.3 * torch.randn_like(value))
    return model


def towers(activation):
    text = {"vocab_size": WORDS, "max_position_embeddings": LENGTH, "hidden_act": activation}
    vision = {"image_size": SIDE, "patch_size": PATCH, "hidden_act": activation}
    return {
        "text_config": {**SIZES, **text, "layer_norm_eps": 1e-5},
        "vision_config": {**SIZES, **vision, "layer_norm_eps": 1e-5},
        "projection_dim": 8,
    }


def owlvit(folder):
    find(folder, "owlvit", transformers.OwlViTConfig, transformers.OwlViTForObjectDetection)


def owlv2(folder):
    find(folder, "owlv2", transformers.Owlv2Config, transformers.Owlv2ForObjectDetection)


def find(folder, name, configuration, network):
    # Queries have the width of the text tower.
    config = {**towers("quick_gelu"), "projection_dim": SIZES["hidden_size"]}
    model = enlarge(network(configuration(**config)))
    ids, last = texts(3 * PICTURES)
    pixels = torch.randn(PICTURES, 3, SIDE, SIDE)
    found = model(input_ids=ids, pixel_values=pixels, attention_mask=(ids > 0).long())
    inputs = {"ids": ids, "last": last, "pixels": pixels}
    config = {**config, "model_type": name}
    write(folder, name, config, model, inputs, {"logits": found.logits, "boxes": found.pred_boxes})


def clip(folder):
    config = towers("quick_gelu")
    published = json.loads(json.dumps(config))
    published["text_config"]["eos_token_id"] = WORDS - 1
    model = enlarge(transformers.CLIPModel(transformers.CLIPConfig(**published)))
    ids, last = texts(3)
    pixels = torch.randn(PICTURES, 3, SIDE, SIDE)
    found = model(input_ids=ids, pixel_values=pixels, attention_mask=(ids > 0).long())
    inputs = {"ids": ids, "last": last, "pixels": pixels}
    write(folder, "clip", config, model, inputs, {"logits": found.logits_per_image})


def vilt(folder):
    answers = ["yes", "no", "dog"]
    config = {
        **SIZES,
        "vocab_size": WORDS,
        "max_position_embeddings": LENGTH,
        "image_size": SIDE,
        "patch_size": PATCH,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "answers": answers,
    }
    published = {key: value for key, value in config.items() if key != "answers"}
    published = transformers.ViltConfig(
        **published,
        num_labels=len(answers),
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = enlarge(transformers.ViltForQuestionAnswering(published))
    ids, last = texts(PICTURES)
    mask = (ids > 0).long()
    pixels = torch.randn(PICTURES, 3, SIDE, SIDE)
    found = model(
        input_ids=ids,
        attention_mask=mask,
        pixel_values=pixels,
        pixel_mask=torch.ones(PICTURES, SIDE, SIDE, dtype=torch.long),
    )
    inputs = {"ids": ids, "mask": mask.float(), "pixels": pixels}
    write(folder, "vilt", config, model, inputs, {"logits": found.logits})

    # Pictures of another shape than positions were learned for.
    model.zero_grad()
    wide = torch.randn(PICTURES, 3, SIDE, 2 * SIDE - PATCH)
    found = model(
        input_ids=ids,
        attention_mask=mask,
        pixel_values=wide,
        pixel_mask=torch.ones(PICTURES, *wide.shape[2:], dtype=torch.long),
    )
    inputs = {"ids": ids, "mask": mask.float(), "pixels": wide}
    write(folder, "vilt_wide", config, model, inputs, {"logits": found.logits})


BEGIN, END = WORDS - 2, WORDS - 3


def blip_config():
    text = {
        **SIZES,
        "vocab_size": WORDS,
        "max_position_embeddings": 12,
        "encoder_hidden_size": SIZES["hidden_size"],
        "bos_token_id": BEGIN,
        "sep_token_id": END,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
    }
    vision = {**SIZES, "image_size": SIDE, "patch_size": PATCH, "hidden_act": "gelu", "layer_norm_eps": 1e-5}
    return {"text_config": text, "vision_config": vision, "image_text_hidden_size": 8}


def published_blip(config):
    text = {**config["text_config"], "pad_token_id": 0, "eos_token_id": END}
    quiet = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config = {**config, "text_config": {**text, **quiet}}
    return transformers.BlipConfig(**config)


def blip_answer(folder):
    # Most random decoders say one word forever: the first seed whose texts differ and end.
    for seed in range(1000):
        torch.manual_seed(seed)
        found = blip_answers()
        texts = [tuple(row) for key in found[2] if key.startswith("written") for row in found[2][key].tolist()]
        ended = [text for text in texts if END in text]
        if len(set(texts)) > 3 and len(ended) > 2 and max(text.index(END) for text in ended) > 3:
            return write(folder, "blip_answer", *found)
    raise RuntimeError("no seed gives different texts")


def blip_answers():
    config = blip_config()
    model = enlarge(transformers.BlipForQuestionAnswering(published_blip(config)))
    # No fillers: the reference lets answers look at them.
    ids = torch.randint(1, WORDS - 3, (PICTURES, LENGTH))
    mask = torch.ones_like(ids)
    answers = torch.randint(1, WORDS - 3, (PICTURES, 4))
    answers[:, 0] = BEGIN
    pixels = torch.randn(PICTURES, 3, SIDE, SIDE)
    with torch.no_grad():
        model.text_decoder.cls.predictions.bias.zero_()
        model.text_decoder.bert.embeddings.position_embeddings.weight.mul_(3)
    seen = model.vision_model(pixel_values=pixels)[0]
    read = model.text_encoder(input_ids=ids, attention_mask=mask, encoder_hidden_states=seen)[0]
    written = model.text_decoder(input_ids=answers, encoder_hidden_states=read).logits
    inputs = {"ids": ids, "mask": mask.float(), "answers": answers, "pixels": pixels}
    with torch.no_grad():
        for beams, penalty in [(1, 1.0), (3, 1.0), (4, -1.0), (4, 2.0)]:
            found = model.generate(
                input_ids=ids,
                pixel_values=pixels,
                attention_mask=mask,
                num_beams=beams,
                length_penalty=penalty,
                max_length=10,
                do_sample=False,
            )
            inputs[f"written {beams} {penalty}"] = found
    return config, model, inputs, {"logits": written}


def blip_match(folder):
    config = blip_config()
    model = enlarge(transformers.BlipForImageTextRetrieval(published_blip(config)))
    ids, _ = texts(PICTURES)
    mask = (ids > 0).long()
    pixels = torch.randn(PICTURES, 3, SIDE, SIDE)
    given = {"input_ids": ids, "attention_mask": mask, "pixel_values": pixels}
    fits = model(**given, use_itm_head=True).itm_score
    cosines = model(**given, use_itm_head=False).itm_score
    inputs = {"ids": ids, "mask": mask.float(), "pixels": pixels}
    write(folder, "blip_match", config, model, inputs, {"logits": fits, "cosines": cosines})


def depth_config(meaning="relative", most=1):
    backbone = {
        "model_type": "dinov2",
        "hidden_size": 24,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "mlp_ratio": 2,
        "image_size": SIDE,
        "patch_size": PATCH,
        # The second layer is not handed on, and what enters the first one is.
        "out_indices": [0, 1, 3, 4],
        "reshape_hidden_states": False,
    }
    return {
        "backbone_config": backbone,
        "patch_size": PATCH,
        "reassemble_hidden_size": 24,
        "neck_hidden_sizes": [4, 6, 8, 10],
        "fusion_hidden_size": 8,
        "head_hidden_size": 4,
        "depth_estimation_type": meaning,
        "max_depth": most,
    }


def depth_network(pixels):
    """A random network that takes three quarters of what it sees for something near."""
    model = enlarge(transformers.DepthAnythingForDepthEstimation(transformers.DepthAnythingConfig(**depth_config())))
    with torch.no_grad():
        last = model.head.conv3
        last.bias.add_(1e4)
        found = model(pixel_values=pixels).predicted_depth - 1e4
        spread = found.std()
        last.weight.div_(spread)
        last.bias.sub_(1e4 + torch.quantile(found, 0.25)).div_(spread)
    return model


def depth_anything(folder):
    # Wider than positions were learned for, and of just that shape.
    wide, square = torch.randn(PICTURES, 3, SIDE + PATCH, SIDE + 2 * PATCH), torch.randn(1, 3, SIDE, SIDE)

    model = depth_network(wide)
    metric = transformers.DepthAnythingConfig(**depth_config("metric", 80))
    metric = transformers.DepthAnythingForDepthEstimation(metric).eval()
    metric.load_state_dict(model.state_dict())
    with torch.no_grad():
        metres = metric(pixel_values=square).predicted_depth
    found = {"wide": model(pixel_values=wide).predicted_depth, "square": model(pixel_values=square).predicted_depth}
    config = model.config.to_dict()
    write(folder, "depth_anything", config, model, {"wide": wide, "square": square, "metres": metres}, found)


def tokenizer(folder, length):
    """A tokenizer of as many words as the networks know, which pads, as some published ones do."""
    # The greatest id ends a text: where CLIP's text tower is read off.
    words = ["!", "[UNK]", "dog", "red", "is", "it", "a", "what", "this", "cat", "[CLS]", "[SEP]"]
    ids = {word: at for at, word in enumerate(words)}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    ends = [(word, ids[word]) for word in ("[CLS]", "[SEP]")]
    made.post_processor = tokenizers.processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    made.add_special_tokens(["[CLS]", "[SEP]", "!"])
    made.save(str(folder / "tokenizer.json"))

    def read(text):
        found = made.encode(text)
        return torch.tensor([found.ids]), torch.tensor([found.attention_mask])

    padded = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    padded.enable_padding(length=length, pad_id=0, pad_token="!")
    padded.save(str(folder / "tokenizer.json"))
    return made, read


def picture():
    rows, columns = torch.meshgrid(torch.arange(30), torch.arange(40), indexing="ij")
    return torch.stack([rows * 8 % 256, columns * 6 % 256, rows * columns % 256], -1).to(torch.uint8).numpy()


def published(folder):
    """Whole folders as they are downloaded, and what transformers makes of a picture and texts."""
    side, said = {"height": SIDE, "width": SIDE}, {}

    def save(name, model, processor):
        into = folder / name
        model.save_pretrained(into)
        processor.save_pretrained(into)
        (into / "generation_config.json").unlink(missing_ok=True)
        return into, processor(picture(), return_tensors="pt")["pixel_values"]

    def owl(name, configuration, network, processor):
        config = {**towers("quick_gelu"), "projection_dim": SIZES["hidden_size"]}
        model = enlarge(network(configuration(**config)))
        for value in model.box_head.parameters():
            value.mul_(0.3)
        into, pixels = save(name, model, processor(size=side))
        _, read = tokenizer(into, LENGTH)
        ids, mask = read("red dog")
        found = model(input_ids=ids, pixel_values=pixels, attention_mask=mask)
        found = processor().post_process_object_detection(found, threshold=0.0, target_sizes=[(30, 40)])[0]
        scores, boxes = found["scores"].tolist(), found["boxes"].tolist()
        return sorted(([score, *box] for score, box in zip(scores, boxes)), reverse=True)

    def owlvit():
        classes = transformers.OwlViTConfig, transformers.OwlViTForObjectDetection, OwlViTImageProcessorPil
        return owl("owlvit", *classes)

    def owlv2():
        classes = transformers.Owlv2Config, transformers.Owlv2ForObjectDetection, Owlv2ImageProcessorPil
        return owl("owlv2", *classes)

    def vilt():
        answers = {0: "yes", 1: "no", 2: "dog"}
        config = transformers.ViltConfig(
            **SIZES, vocab_size=WORDS, max_position_embeddings=LENGTH, image_size=SIDE, patch_size=PATCH,
            id2label=answers, label2id={answer: at for at, answer in answers.items()}, modality_type_vocab_size=2,
        )
        model = enlarge(transformers.ViltForQuestionAnswering(config))
        into, pixels = save("vilt", model, ViltImageProcessorPil(size={"shortest_edge": SIDE}, size_divisor=PATCH))
        assert pixels.shape[2:] == (SIDE, SIDE + PATCH)
        _, read = tokenizer(into, LENGTH)
        ids, mask = read("is it red")
        mask = {"attention_mask": mask, "pixel_mask": torch.ones(1, *pixels.shape[2:], dtype=torch.long)}
        found = torch.softmax(model(input_ids=ids, pixel_values=pixels, **mask).logits[0], -1)
        return {answers[at]: float(found[at]) for at in answers}

    def clip():
        config = towers("quick_gelu")
        config["text_config"]["eos_token_id"] = WORDS - 1
        model = enlarge(transformers.CLIPModel(transformers.CLIPConfig(**config)))
        crop = {"size": {"shortest_edge": SIDE + 2}, "crop_size": side}
        into, pixels = save("clip", model, CLIPImageProcessorPil(**crop))
        _, read = tokenizer(into, LENGTH)
        logits = []
        for text in ["red dog", "a cat"]:
            ids, mask = read(text)
            logits.append(float(model(input_ids=ids, pixel_values=pixels, attention_mask=mask).logits_per_image))
        return logits

    def blip_config_with_ends():
        config = blip_config()
        config["text_config"].update(bos_token_id=WORDS - 2, sep_token_id=WORDS - 1, max_position_embeddings=24)
        return published_blip(config)

    def blip_answer():
        # As above: the first seed that says something and comes to an end.
        for seed in range(1000):
            torch.manual_seed(seed)
            model = enlarge(transformers.BlipForQuestionAnswering(blip_config_with_ends()))
            model.text_decoder.cls.predictions.bias.zero_()
            model.text_decoder.bert.embeddings.position_embeddings.weight.mul_(3)
            into, pixels = save("blip_answer", model, BlipImageProcessorPil(size=side))
            made, read = tokenizer(into, LENGTH)
            ids, mask = read("what is this")
            given = {"input_ids": ids, "pixel_values": pixels, "attention_mask": mask}
            found = made.decode(model.generate(**given, max_length=20, do_sample=False)[0].tolist())
            if not (2 < len(found.split()) < 9 and len(set(found.split())) > 1):
                continue
            beams = []
            for number, penalty in [(3, 1.0), (4, -1.0), (4, 2.0)]:
                rows = model.generate(**given, max_length=20, do_sample=False, num_beams=number, length_penalty=penalty)
                beams.append([number, penalty, made.decode(rows[0].tolist())])
            # Some of them say something, and something else.
            texts = [text for _, _, text in beams]
            if all(texts) and set(texts) != {found}:
                said["blip_beams"] = beams
                return found
        raise RuntimeError("no seed says anything")

    def blip_match():
        model = enlarge(transformers.BlipForImageTextRetrieval(blip_config_with_ends()))
        into, pixels = save("blip_match", model, BlipImageProcessorPil(size=side))
        _, read = tokenizer(into, LENGTH)
        ids, mask = read("a red dog")
        score = model(input_ids=ids, pixel_values=pixels, attention_mask=mask).itm_score
        return float(torch.softmax(score, -1)[0, 1])

    def depth_anything():
        """Medians of the whole picture and of five strips of it, as ViperGPT reads them off: of one
        by what is said of the whole picture."""
        processor = DPTImageProcessorPil(
            size=side, keep_aspect_ratio=True, ensure_multiple_of=PATCH, image_mean=[0.485, 0.456, 0.406],
            image_std=[0.229, 0.224, 0.225],
        )
        strips = [(0, 40), *((left, left + 8) for left in range(0, 40, 8))]

        def resized(model):
            found = processor.post_process_depth_estimation(model(pixels), target_sizes=[(30, 40)])
            return found[0]["predicted_depth"]

        def strips_of(depth):
            return [float(depth[:, left:right].median()) for left, right in strips]

        pixels = processor(picture(), return_tensors="pt")["pixel_values"]
        # The first seed whose strips are put neither as they are far away nor the other way round.
        for seed in range(1000):
            torch.manual_seed(seed)
            model = depth_network(pixels)
            # Interpolation leaves some a little below 0, which is no nearer than what is nearest.
            medians = strips_of(1 / resized(model).clamp(min=1e-6))
            rising = sorted(medians[1:])
            apart = min(far / near for near, far in zip(rising, rising[1:])) > 1.1
            turns = sum(a < b for a, b in zip(medians[1:], medians[2:]))
            if min(medians) > 0 and max(medians) < 100 and apart and 0 < turns < 4:
                save("depth_anything", model, processor)
                metric = transformers.DepthAnythingConfig(**depth_config("metric", 20))
                metric = transformers.DepthAnythingForDepthEstimation(metric).eval()
                metric.load_state_dict(model.state_dict())
                return {"relative": medians, "metric": strips_of(resized(metric))}
        raise RuntimeError("no seed has strips apart")

    with torch.no_grad():
        for make in [owlvit, owlv2, clip, vilt, blip_answer, blip_match, depth_anything]:
            torch.manual_seed(0)
            said[make.__name__] = make()
    (folder / "said.json").write_text(json.dumps(said, indent=1) + "\n")


def golden_clip(folder):
    """The network of clip.safetensors, and what it is given."""
    config = towers("quick_gelu")
    config["text_config"]["eos_token_id"] = WORDS - 1
    model = transformers.CLIPModel(transformers.CLIPConfig(**config))
    golden = load_file(folder / "clip.safetensors")
    weights = {key.removeprefix("weight/"): value for key, value in golden.items() if key.startswith("weight/")}
    model.load_state_dict(weights, strict=False)
    ids = golden["input/ids"]
    given = {"input_ids": ids, "pixel_values": golden["input/pixels"], "attention_mask": (ids > 0).long()}
    return model.eval(), given


def clip_adapter(folder):
    """An adapter of that network, saved by peft, and what the two compute."""
    model, given = golden_clip(folder)
    lora = peft.LoraConfig(r=2, lora_alpha=6, target_modules=["q_proj", "fc1"], init_lora_weights=False)
    model = peft.get_peft_model(model, lora).eval()
    model.save_pretrained(folder / "clip_adapter")
    (folder / "clip_adapter" / "README.md").unlink(missing_ok=True)
    with torch.no_grad():
        logits = model(**given).logits_per_image
    save_file({"logits": logits.contiguous()}, folder / "clip_adapter" / "expected.safetensors")


def check_adapter(folder, adapter):
    """Loads an adapter that sdvp saved into peft, and keeps what it and the network compute."""
    model, given = golden_clip(folder)
    model = peft.PeftModel.from_pretrained(model, adapter).eval()
    with torch.no_grad():
        logits = model(**given).logits_per_image
    save_file({"logits": logits.contiguous()}, Path(adapter) / "expected.safetensors")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit("usage: python tools/models_golden.py CRATES [--adapter FOLDER]")
    crates = Path(sys.argv[1])
    golden = crates / "sdvp-models/tests/golden"
    if len(sys.argv) == 4:
        check_adapter(golden, sys.argv[3])
        sys.exit()
    torch.set_num_threads(1)
    for make in [owlvit, owlv2, clip, vilt, blip_answer, blip_match, depth_anything, clip_adapter]:
        torch.manual_seed(0)
        make(golden)
    torch.manual_seed(0)
    published(crates / "sdvp-modules/tests/golden/published")
