"""Writes the files the program carries: backbone.onnx, head.safetensors, encoder.json.

    python export.py ENCODER.pt OUT --size 128 [--head HEAD.pt]

The batch norms are folded into the convolutions. Weights are stored as float16, each behind a Cast
that a runtime folds once at load. `parity.json` beside them holds features and embedding of a
made picture, computed here, for the Rust side to agree with.
"""

import argparse
import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model import MEAN, SCALE, Encoder


def folded(backbone):
    backbone.eval()
    backbone._conv_stem, backbone._bn0 = fuse_conv_bn_eval(backbone._conv_stem, backbone._bn0), torch.nn.Identity()
    for block in backbone._blocks:
        if block.expands:
            block._expand_conv, block._bn0 = fuse_conv_bn_eval(block._expand_conv, block._bn0), torch.nn.Identity()
        block._depthwise_conv, block._bn1 = fuse_conv_bn_eval(block._depthwise_conv, block._bn1), torch.nn.Identity()
        block._project_conv, block._bn2 = fuse_conv_bn_eval(block._project_conv, block._bn2), torch.nn.Identity()
    backbone._conv_head, backbone._bn1 = fuse_conv_bn_eval(backbone._conv_head, backbone._bn1), torch.nn.Identity()
    return backbone


def halved(model):
    """Stores every weight as float16 with a Cast back to float32."""
    graph = model.graph
    casts, kept = [], []
    for weight in graph.initializer:
        array = numpy_helper.to_array(weight)
        if array.dtype == np.float32 and array.size > 1:
            name = weight.name + "_f16"
            kept.append(numpy_helper.from_array(array.astype(np.float16), name))
            casts.append(helper.make_node("Cast", [name], [weight.name], to=TensorProto.FLOAT))
        else:
            kept.append(weight)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    return model


def ramp(size):
    """A picture without a file: uint8 [size, size, 3] from a formula any language can repeat."""
    y, x = np.mgrid[0:size, 0:size]
    return np.stack([(x * 7 + y * 3) % 256, (x * x + y * 5) % 256, (x * y) % 256], -1).astype(np.uint8)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("encoder", type=Path)
    args.add_argument("out", type=Path)
    args.add_argument("--size", type=int, default=128)
    args.add_argument("--name", default="base")
    args = args.parse_args()
    state = {k: v.float() if v.is_floating_point() else v for k, v in torch.load(args.encoder, map_location="cpu").items()}
    model = Encoder(state["head.weight"].shape[1])
    model.load_state_dict(state)
    backbone = folded(model.backbone)
    # What the file holds is what is compared: the weights as float16 from here on.
    for p in backbone.parameters():
        p.data = p.data.half().float()
    path = args.out / "backbone.onnx"
    picture = ramp(args.size)
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    x = (pixels - MEAN) / SCALE
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(backbone, x, str(path), input_names=["pixels"], output_names=["features"], opset_version=17, dynamo=False)
        features = backbone(x)[0].numpy()
    onnx.save(halved(onnx.load(path)), path)
    weight, bias = model.head.weight.detach().numpy(), model.head.bias.detach().numpy()
    save_file({"weight": weight, "bias": bias}, args.out / "head.safetensors", {"name": args.name})
    embedding = weight @ features + bias
    embedding /= np.linalg.norm(embedding)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (args.out / "encoder.json").write_text(json.dumps({"size": args.size, "mean": MEAN, "scale": SCALE, "features": len(features), "backbone_sha256": digest}, indent=1) + "\n")
    (args.out / "parity.json").write_text(json.dumps({"features": [round(float(v), 6) for v in features], "embedding": [round(float(v), 6) for v in embedding]}) + "\n")
    print(path, path.stat().st_size, digest)


if __name__ == "__main__":
    main()
