"""Writes parts.safetensors: from features to the few numbers in which a photo is compared with the parts of others.

    python parts.py ENCODER.pt PACKS OUT --size 128 [--numbers 64]

They are the first principal axes of the base head's embeddings of the training photos: nothing is trained.
(A projection trained for crops of the training photos found fewer crops of others.) Run export.py first.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from model import MEAN, SCALE, Encoder
from train import load_pictures, unpack


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("encoder", type=Path)
    args.add_argument("packs", type=Path)
    args.add_argument("out", type=Path)
    args.add_argument("--size", type=int, default=128)
    args.add_argument("--numbers", type=int, default=64)
    args = args.parse_args()
    state = {k: v.float() if v.is_floating_point() else v for k, v in torch.load(args.encoder, map_location="cpu").items()}
    model = Encoder(state["head.weight"].shape[1])
    model.load_state_dict(state)
    model.eval()
    embeddings = []
    with ProcessPoolExecutor() as pool, torch.no_grad():
        for path in sorted(args.packs.glob("train-*.npz")):
            pictures, _ = load_pictures(pool, unpack(path)[0], args.size, "cpu")
            embeddings += [model((p.float() - MEAN) / SCALE) for p in pictures.split(256)]
    embeddings = torch.cat(embeddings).double().numpy()
    strength, axes = np.linalg.eigh(embeddings.T @ embeddings / len(embeddings))
    axes = axes[:, ::-1][:, : args.numbers]
    # The sign of an axis is chance: the largest entry is positive, so that a second run gives the same.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(args.numbers)])
    weight, bias = model.head.weight.detach().double().numpy(), model.head.bias.detach().double().numpy()
    save_file({"weight": (axes.T @ weight).astype(np.float32), "bias": (axes.T @ bias).astype(np.float32)}, args.out / "parts.safetensors")
    print(f"{len(embeddings)} photos, {strength[::-1][: args.numbers].sum():.3f} of their strength in {args.numbers} numbers")


if __name__ == "__main__":
    main()
