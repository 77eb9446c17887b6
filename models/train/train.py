"""Trains the encoder so that versions of one photo land together.

    python train.py --packs DIR --out DIR --seconds 600 [--resume]

DIR of --packs holds train-*.npz (pack.py), library.npz (pack.py --library), sscd.npy and, for a first
start, imagenet.pt (the ImageNet weights). Writes to --out: checkpoint.pt (to resume), encoder.pt
(the running mean of the weights, what is exported), log.csv.
"""

import argparse
import csv
import io
import json
import math
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import measure
import surroundings
from edits import Edits
from model import MEAN, SCALE, Encoder


def decode(encoded, side):
    image = Image.open(io.BytesIO(encoded)).convert("RGB")
    return np.asarray(image.resize((side, side), Image.BICUBIC)), image.width / image.height


def unpack(path):
    pack = np.load(path)
    data = pack["data"].tobytes()
    starts = [0, *pack["ends"][:-1]]
    return [data[a:b] for a, b in zip(starts, pack["ends"])], pack


def load_pictures(pool, encoded, side, device):
    decoded = list(pool.map(decode, encoded, [side] * len(encoded), chunksize=64))
    pictures = torch.from_numpy(np.stack([p for p, _ in decoded])).to(device).permute(0, 3, 1, 2).contiguous()
    return pictures, torch.tensor([a for _, a in decoded], device=device, dtype=torch.float32)


def make_surroundings(pool, device, count):
    canvases = np.stack(list(pool.map(surroundings.canvas, range(count), chunksize=16)))
    masks = np.stack(list(pool.map(surroundings.mask, range(count), chunksize=16)))
    return torch.from_numpy(canvases).to(device).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(masks).to(device)


class Batches:
    """Draws what stands in one batch: photos at random, photos in groups of look-alikes (neighbours in
    the teacher's eyes), and photos cut into quarters that count as four photos. Quarters share light,
    colour and texture but no place, so they teach that a subject's kind is not its identity, also
    where the training has few look-alikes.

    Returns the photos [n] and the region of each that counts as the whole [n, 4]: half-extents and
    centre in x and y, in -1..1."""

    def __init__(self, teacher, photos, batch, alike, split, generator):
        self.generator, self.batch, self.count = generator, batch, len(teacher)
        self.split = int(batch * split) // 4
        self.seeds = int(batch * alike) // 8
        similarity = teacher @ teacher.T
        similarity.fill_diagonal_(-1)
        self.near = similarity.topk(24).indices
        # A quarter of plain wall or sky is nobody's photo.
        small = torch.cat([F.interpolate(part.float(), size=32, mode="area").mean(1) for part in photos.split(512)])
        contrast = small.unfold(1, 16, 16).unfold(2, 16, 16).std((3, 4)).flatten(1).min(1).values
        self.splittable = (contrast > 20).nonzero().squeeze(1)

    def uniform(self, *shape):
        return torch.rand(*shape, device=self.near.device, generator=self.generator)

    def shuffled(self, items):
        return items[torch.randperm(len(items), device=self.near.device, generator=self.generator)]

    def __call__(self):
        everything = torch.arange(self.count, device=self.near.device)
        split = self.shuffled(self.splittable)[: self.split]
        seeds = self.shuffled(everything)[: self.seeds]
        picks = (self.uniform(len(seeds), 7) * 24).long()
        group = torch.cat([seeds[:, None], self.near[seeds].gather(1, picks)], 1).flatten().unique()
        group = group[~torch.isin(group, split)]
        rest = self.shuffled(everything)
        rest = rest[~torch.isin(rest, torch.cat([group, split]))]
        whole = torch.cat([group, rest])[: self.batch - 4 * len(split)]
        whole_regions = torch.tensor([1.0, 1.0, 0.0, 0.0], device=whole.device).expand(len(whole), 4)

        extent = 0.42 + 0.08 * self.uniform(len(split), 4, 2)
        corner = torch.tensor([[-1.0, -1], [1, -1], [-1, 1], [1, 1]], device=whole.device)
        slack = (0.5 - extent) * 2 * self.uniform(len(split), 4, 2)
        regions = torch.cat([extent, corner * (1 - extent - slack)], -1).flatten(0, 1)
        return torch.cat([whole, split.repeat_interleave(4)]), torch.cat([whole_regions, regions])


def losses(z, who, twins, options, teacher):
    """z: embeddings [n, d] of unit length; who [n]: the photo of each; twins [n, n]: photos that may
    be one and the same, neither positive nor negative. Returns the terms by name."""
    similarity = z @ z.T
    same = who[:, None] == who[None, :]
    positive = same & ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    negative = ~same & ~twins

    # InfoNCE, every positive on its own against all negatives.
    logits = similarity / options.temperature
    others = torch.logsumexp(logits.masked_fill(~negative, -1e4), 1, keepdim=True)
    nce = (torch.logaddexp(logits, others) - logits)[positive].mean()

    # Batch-hard triplet (Hermans et al. 2017): for every anchor its farthest positive and its
    # nearest negative of this batch; soft margin, on distances 1 - cosine.
    far = (1 - similarity).masked_fill(~positive, -1).max(1).values
    near = (1 - similarity).masked_fill(~negative, 3).min(1).values
    if options.margin > 0:
        triplet = F.relu(options.margin + far - near).mean()
    else:
        triplet = F.softplus(options.sharpness * (far - near)).mean() / options.sharpness * 10

    # KoLeo: nearest other photos are pushed apart, so that the sphere is used evenly.
    nearest = similarity.masked_fill(~negative, -1).max(1).values
    koleo = -torch.log((2 - 2 * nearest).clamp(min=1e-6).sqrt()).mean()

    terms = {"nce": nce, "triplet": triplet, "koleo": koleo, "far": far.mean(), "near": near.mean()}
    if options.teach > 0:
        # The teacher's similarities between the originals of this batch, matched for other photos.
        known = teacher @ teacher.T
        weight = negative.float() * (known > 0.15).float()
        terms["teach"] = ((F.relu(similarity - known - 0.1) ** 2) * weight).sum() / weight.sum().clamp(min=1)
    return terms


@torch.no_grad()
def validate(model, library, size, device):
    pictures, groups, names = library
    model.eval()
    out = []
    for i in range(0, len(pictures), 512):
        x = F.interpolate(pictures[i : i + 512].float(), size=size, mode="bilinear", antialias=True, align_corners=False)
        out.append(model(((x - MEAN) / SCALE).contiguous(memory_format=torch.channels_last)).cpu())
    model.train()
    return measure.summary(torch.cat(out).numpy(), groups, names)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--packs", type=Path, required=True)
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--seconds", type=float, default=600, help="stop after so long")
    args.add_argument("--resume", action="store_true")
    args.add_argument("--start", type=Path, help="an encoder.pt to start from, instead of ImageNet")
    args.add_argument("--features", type=int, default=512)
    args.add_argument("--size", type=int, default=128, help="training size in pixels")
    args.add_argument("--test-size", type=int, default=160)
    args.add_argument("--photos", type=int, default=640, help="photos a batch")
    args.add_argument("--views", type=int, default=2, help="views a photo")
    args.add_argument("--rate", type=float, default=6e-4)
    args.add_argument("--warmup", type=int, default=200)
    args.add_argument("--total", type=float, default=0, help="training seconds of the whole cosine schedule, over all resumed runs; 0: this run's")
    args.add_argument("--temperature", type=float, default=0.06)
    args.add_argument("--sharpness", type=float, default=15)
    args.add_argument("--margin", type=float, default=0, help="0: soft margin")
    args.add_argument("--triplet", type=float, default=0.5)
    args.add_argument("--koleo", type=float, default=1.0)
    args.add_argument("--teach", type=float, default=0.0)
    args.add_argument("--alike", type=float, default=0.5, help="share of look-alikes in a batch")
    args.add_argument("--split", type=float, default=0.25, help="share of a batch that is quarters of photos")
    args.add_argument("--weak", type=float, default=0.2, help="share of views with weak edits")
    args.add_argument("--decay", type=float, default=0.02)
    args.add_argument("--ema", type=float, default=0.998)
    args.add_argument("--validate", type=int, default=500, help="steps between validations")
    args.add_argument("--compile", action="store_true")
    args.add_argument("--limit", type=int, default=0, help="use only so many photos, to try things")
    args.add_argument("--seed", type=int, default=1)
    args = args.parse_args()

    began = time.time()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    fast = device.type == "cuda"
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.manual_seed(args.seed)
    generator = torch.Generator(device).manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)

    with ProcessPoolExecutor() as pool:
        encoded, rows = [], []
        for path in sorted(args.packs.glob("train-*.npz")):
            bytes_, pack = unpack(path)
            encoded += bytes_
            rows += pack["rows"].tolist()
        if args.limit:
            encoded, rows = encoded[: args.limit], rows[: args.limit]
        photos, aspect = load_pictures(pool, encoded, 256, device)
        bytes_, pack = unpack(args.packs / "library.npz")
        library = (load_pictures(pool, bytes_, 192, device)[0], pack["groups"], pack["edits"])
        edits = Edits(device, args.size, *make_surroundings(pool, device, 768 if fast else 64))
    teacher = F.normalize(torch.from_numpy(np.load(args.packs / "sscd.npy")[rows].astype(np.float32)).to(device), dim=1)
    batches = Batches(teacher, photos, args.photos, args.alike, args.split, generator)
    print(f"{len(photos)} photos, {len(library[0])} pictures to validate on, ready after {time.time() - began:.0f} s", flush=True)

    model = Encoder(args.features)
    state = {"step": 0, "seconds": 0.0, "views": 0}
    if args.start:
        model.load_state_dict(torch.load(args.start, map_location="cpu"))
    elif not args.resume:
        model.backbone.load_imagenet(torch.load(args.packs / "imagenet.pt", map_location="cpu"))
        torch.nn.init.orthogonal_(model.head.weight)
        torch.nn.init.zeros_(model.head.bias)
    model = model.to(device, memory_format=torch.channels_last).train()
    mean = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(args.ema), use_buffers=True)
    plain = [p for p in model.parameters() if p.ndim == 1]
    matrices = [p for p in model.parameters() if p.ndim > 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": args.decay}, {"params": plain, "weight_decay": 0.0}], lr=args.rate)
    if args.resume:
        saved = torch.load(args.out / "checkpoint.pt", map_location=device)
        model.load_state_dict(saved["model"])
        mean.module.load_state_dict(saved["mean"])
        mean.n_averaged.fill_(1)
        optimizer.load_state_dict(saved["optimizer"])
        generator.set_state(saved["generator"].cpu())
        state = saved["state"]
    run = torch.compile(model) if args.compile else model
    log = open(args.out / "log.csv", "a", newline="")
    writer = csv.writer(log)
    if log.tell() == 0:
        writer.writerow("step views seconds rate nce triplet koleo teach far near ap r999 mean_edit".split())

    def save():
        torch.save({"model": model.state_dict(), "mean": mean.module.state_dict(), "optimizer": optimizer.state_dict(), "generator": generator.get_state(), "state": state}, args.out / "checkpoint.pt")
        torch.save({k: v.float().cpu().contiguous() for k, v in mean.module.state_dict().items()}, args.out / "encoder.pt")

    start = time.time()
    earlier = state["seconds"]
    deadline = began + args.seconds
    sums, since = {}, 0
    while True:
        now = time.time()
        done = (earlier + now - start) / (args.total or deadline - start)
        if done >= 1 or now > deadline:
            break
        rate = args.rate * min(1.0, (state["step"] + 1) / args.warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        chosen, regions = batches()
        chosen, regions = chosen.repeat(args.views), regions.repeat(args.views, 1)
        who = torch.arange(len(chosen) // args.views, device=device).repeat(args.views)
        weak = torch.rand(len(who), device=device, generator=generator) < args.weak
        views = edits(photos[chosen], aspect[chosen], regions, weak, generator)
        x = ((views * 255 - MEAN) / SCALE).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cuda", torch.bfloat16, enabled=fast):
            z = run(x)
        known = teacher[chosen]
        twins = (known @ known.T > 0.7) & (chosen[:, None] != chosen[None, :])
        terms = losses(z.float(), who, twins, args, known)
        loss = terms["nce"] + args.triplet * terms["triplet"] + args.koleo * terms["koleo"] + args.teach * terms.get("teach", 0)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        mean.update_parameters(model)
        state["step"] += 1
        state["views"] += len(who)
        state["seconds"] = earlier + time.time() - start
        since += 1
        for name, value in terms.items():
            sums[name] = sums.get(name, 0) + value.detach()
        checked = state["step"] % args.validate == 0
        if checked or state["step"] % 50 == 0:
            averages = {k: float(v) / since for k, v in sums.items()}
            sums, since = {}, 0
            result = validate(mean.module, library, args.test_size, device) if checked else {}
            writer.writerow([state["step"], state["views"], round(state["seconds"], 1), f"{rate:.2e}", *[f"{averages.get(k, 0):.4f}" for k in "nce triplet koleo teach far near".split()], *[f"{result[k]:.4f}" if k in result else "" for k in ("ap", "r999", "mean_edit")]])
            log.flush()
            if checked or state["step"] % 200 == 0:
                print(state["step"], state["views"], f"{state['seconds']:.0f}s {state['views'] / state['seconds']:.0f}/s", {k: round(v, 3) for k, v in averages.items()}, {k: round(v, 4) for k, v in result.items() if k != "edits"}, flush=True)
            if checked:
                save()
    save()
    for size in sorted({args.test_size, args.size, 192}):
        result = validate(mean.module, library, size, device)
        print(f"END size {size}:", {k: round(v, 4) for k, v in result.items() if k != "edits"}, flush=True)
        (args.out / f"result-{size}.json").write_text(json.dumps(result, indent=1))
    weakest = sorted(result["edits"].items(), key=lambda kv: kv[1])[:14]
    print("weakest edits:", [(k, round(v, 2)) for k, v in weakest], flush=True)


if __name__ == "__main__":
    main()
