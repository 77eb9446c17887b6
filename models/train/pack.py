"""Packs photos into files that travel and load fast.

    python pack.py PHOTOS OUT --short 256 --parts 2
    python pack.py PHOTOS OUT --library LIBRARY

PHOTOS holds photos.csv (columns file, split, sequence) and the photos. Writes OUT/train-K.npz with
the encoded bytes of every training photo, their ends, and their line in photos.csv; frames of a
drive (`sequence`) are never in a training pack.

LIBRARY is what `cargo bench --bench accuracy -- ... --write LIBRARY` made. Writes OUT/library.npz: each
picture stretched to a square, its group (-1 for none) and its edit.
"""

import argparse
import csv
import io
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image


def encode(path, short, quality):
    image = Image.open(path).convert("RGB")
    scale = short / min(image.size)
    if scale < 1:
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.LANCZOS)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def stretched(path, side):
    image = Image.open(path).convert("RGB")
    out = io.BytesIO()
    image.resize((side, side), Image.BOX if min(image.size) >= 2 * side else Image.BILINEAR).save(out, "JPEG", quality=90)
    return out.getvalue()


def write(out, encoded, **columns):
    ends = np.cumsum([len(e) for e in encoded])
    np.savez(out, data=np.frombuffer(b"".join(encoded), np.uint8), ends=ends, **columns)
    print(f"{out}: {len(encoded)} pictures, {sum(map(len, encoded)) / 2**20:.1f} MiB")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("photos", type=Path)
    args.add_argument("out", type=Path)
    args.add_argument("--short", type=int, default=256, help="short side in pixels")
    args.add_argument("--quality", type=int, default=75)
    args.add_argument("--parts", type=int, default=1)
    args.add_argument("--library", type=Path, help="pack a library to validate on, not the training photos")
    args.add_argument("--side", type=int, default=192, help="pixels of the library's pictures")
    args = args.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.library:
        lines = list(csv.DictReader(open(args.library / "library.csv")))
        with ProcessPoolExecutor() as pool:
            encoded = list(pool.map(stretched, [args.library / line["file"] for line in lines], [args.side] * len(lines), chunksize=32))
        write(args.out / "library.npz", encoded, groups=np.array([int(line["group"]) for line in lines]), edits=np.array([line["edit"] for line in lines]))
        return
    lines = list(csv.DictReader(open(args.photos / "photos.csv")))
    rows = [i for i, line in enumerate(lines) if line["split"] == "train" and not line["sequence"]]
    with ProcessPoolExecutor() as pool:
        for part in range(args.parts):
            mine = rows[part :: args.parts]
            paths = [args.photos / lines[i]["file"] for i in mine]
            encoded = list(pool.map(encode, paths, [args.short] * len(mine), [args.quality] * len(mine), chunksize=32))
            write(args.out / f"train-{part}.npz", encoded, rows=np.array(mine))


if __name__ == "__main__":
    main()
