"""Makes a library to measure encoders on: originals, versions of some of them, and singles, all
from photos that no training saw.

    python library.py PHOTOS OUT.npz --originals 240 --versions 6

Edits are made by Pillow at the photo's own size and saved as the file a person would have, then
read back: code apart from the training's own edits. OUT.npz holds each picture stretched to a
square as JPEG bytes, its group (-1 for none), its edit, and its line in photos.csv.
"""

import argparse
import csv
import io
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps



def crop(area, ratio=None):
    def edit(image, rng):
        w, h = image.size
        r = ratio or w / h
        cw = min(w, (area * w * h * r) ** 0.5)
        ch = min(h, cw / r)
        cw = min(w, ch * r)
        x, y = rng.uniform(0, w - cw), rng.uniform(0, h - ch)
        return image.crop((int(x), int(y), int(x + cw), int(y + ch)))
    return edit


def shrink(short):
    def edit(image, rng):
        scale = short / min(image.size)
        return image.resize([max(8, round(s * scale)) for s in image.size], Image.LANCZOS)
    return edit


def saved(quality, kind="JPEG"):
    def edit(image, rng):
        out = io.BytesIO()
        image.save(out, kind, quality=quality)
        return Image.open(out).convert("RGB")
    return edit


def gains(r, g, b):
    return lambda image, rng: Image.merge("RGB", [c.point(lambda v, k=k: min(255, int(v * k))) for c, k in zip(image.split(), (r, g, b))])


def gamma(power):
    return lambda image, rng: image.point([int(255 * (v / 255) ** power) for v in range(256)] * 3)


def hue(shift):
    def edit(image, rng):
        h, s, v = image.convert("HSV").split()
        return Image.merge("HSV", (h.point(lambda x: (x + shift) % 256), s, v)).convert("RGB")
    return edit


def bw(image, rng):
    return ImageOps.grayscale(image).convert("RGB")


def sepia(image, rng):
    return ImageOps.colorize(ImageOps.grayscale(image), (40, 20, 5), (255, 240, 200))


def preset(image, rng):
    image = ImageEnhance.Color(image).enhance(0.6)
    image = image.point([int(30 + v * 0.8) for v in range(256)] + [int(20 + v * 0.85) for v in range(256)] + [int(50 + v * 0.7) for v in range(256)])
    return ImageEnhance.Contrast(image).enhance(1.3)


def vignette(image, rng):
    w, h = image.size
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    fall = np.clip(1 - 0.45 * (x**2 + y**2), 0.05, 1)[..., None]
    return Image.fromarray((np.asarray(image) * fall).astype(np.uint8))


def noise(sigma):
    def edit(image, rng):
        a = np.asarray(image).astype(np.float32)
        a += np.random.default_rng(rng.randint(0, 2**31)).normal(0, sigma, a.shape)
        return Image.fromarray(a.clip(0, 255).astype(np.uint8))
    return edit


def rotate(degrees, cut):
    def edit(image, rng):
        turned = image.rotate(degrees, Image.BICUBIC, expand=not cut, fillcolor=(255, 255, 255))
        if cut:
            w, h = turned.size
            m = abs(np.sin(np.radians(degrees))) * 0.5
            turned = turned.crop((int(w * m), int(h * m), int(w * (1 - m)), int(h * (1 - m))))
        return turned
    return edit


def border(share, colour):
    return lambda image, rng: ImageOps.expand(image, int(max(image.size) * share), colour)


def square(colour):
    def edit(image, rng):
        side = int(max(image.size) * 1.05)
        out = Image.new("RGB", (side, side), colour)
        out.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        return out
    return edit


def text(image, rng):
    image = image.copy()
    size = max(10, image.height // 9)
    ImageDraw.Draw(image).text((image.width * 0.06, image.height * rng.uniform(0.1, 0.75)), "Summer in the hills 2024", fill=rng.choice([(255, 255, 255), (0, 0, 0), (250, 220, 30)]), font=ImageFont.load_default(size))
    return image


def watermark(image, rng):
    layer = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(layer)
    for y in range(0, image.height, 48):
        for x in range(-(y % 96), image.width, 110):
            draw.text((x, y), "(c) sample", fill=110, font=ImageFont.load_default(18))
    return Image.composite(Image.new("RGB", image.size, (255, 255, 255)), image, layer)


def phone(image, rng):
    w = 300
    fitted = image.resize((w, max(1, round(image.height * w / image.width))))
    dark = rng.random() < 0.5
    screen = Image.new("RGB", (w, 640), (10, 10, 12) if dark else (250, 250, 250))
    ink = (240, 240, 240) if dark else (20, 20, 20)
    draw = ImageDraw.Draw(screen)
    draw.text((14, 6), "9:41", fill=ink, font=ImageFont.load_default(13))
    draw.rectangle((w - 40, 8, w - 14, 18), outline=ink)
    draw.ellipse((12, 40, 40, 68), fill=(90, 120, 200))
    draw.text((48, 44), "traveller", fill=ink, font=ImageFont.load_default(14))
    top = 80 if fitted.height < 460 else 40
    screen.paste(fitted, (0, top))
    y = min(600, top + fitted.height + 10)
    for i in range(3):
        draw.ellipse((14 + i * 36, y, 34 + i * 36, y + 20), outline=ink, width=2)
    draw.text((14, y + 28), "Liked by 128 others, view all comments", fill=ink, font=ImageFont.load_default(12))
    return screen


def desktop(image, rng):
    screen = Image.new("RGB", (640, 400), (52, 54, 58))
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, 640, 26), fill=(32, 33, 36))
    for i, name in enumerate(["File", "Edit", "View", "Help"]):
        draw.text((10 + i * 52, 6), name, fill=(220, 220, 220), font=ImageFont.load_default(12))
    draw.rectangle((0, 26, 120, 400), fill=(44, 45, 49))
    for i in range(9):
        draw.text((12, 40 + i * 26), f"Album {i}", fill=(190, 190, 190), font=ImageFont.load_default(12))
    fitted = ImageOps.contain(image, (500, 350))
    screen.paste(fitted, (130 + (500 - fitted.width) // 2, 36 + (350 - fitted.height) // 2))
    return screen


def print_photo(image, rng):
    w, h = image.size
    m = 0.08
    q = lambda: rng.uniform(-m, m)
    quad = (w * q(), h * q(), w * q(), h * (1 + q()), w * (1 + q()), h * (1 + q()), w * (1 + q()), h * q())
    return ImageEnhance.Contrast(image.transform((w, h), Image.QUAD, quad, Image.BICUBIC)).enhance(0.8)


def chain(*edits):
    def edit(image, rng):
        for e in edits:
            image = e(image, rng)
        return image
    return edit


def enhance(kind, factor):
    return lambda image, rng: kind(image).enhance(factor)


EDITS = {
    "resize_half": shrink(144), "thumbnail_96": shrink(96), "thumbnail_48": shrink(48),
    "jpeg_50": saved(50), "jpeg_15": saved(15), "jpeg_6": saved(6), "webp_20": saved(20, "WEBP"),
    "crop_80": crop(0.8), "crop_60": crop(0.6), "crop_40": crop(0.4), "crop_25": crop(0.25), "crop_20": crop(0.2),
    "crop_square": crop(0.6, 1.0), "crop_16x9": crop(0.6, 16 / 9),
    "bw": bw, "bw_crop_50": chain(crop(0.5), bw), "sepia": sepia,
    "exposure_up": gamma(0.55), "exposure_down": gamma(1.9), "gain_up": gains(1.6, 1.6, 1.6),
    "contrast_up": enhance(ImageEnhance.Contrast, 1.8), "contrast_down": enhance(ImageEnhance.Contrast, 0.45),
    "saturation_up": enhance(ImageEnhance.Color, 2.2), "saturation_down": enhance(ImageEnhance.Color, 0.35),
    "warm": gains(1.2, 1.0, 0.7), "cool": gains(0.75, 1.0, 1.25), "hue_20": hue(14),
    "preset": preset, "preset_crop_60": chain(crop(0.6), preset, vignette), "vignette": vignette,
    "blur": lambda i, r: i.filter(ImageFilter.GaussianBlur(2.5)), "sharpen": lambda i, r: i.filter(ImageFilter.UnsharpMask(4, 220, 0)),
    "noise": noise(28), "rotate_3": rotate(3, True), "rotate_10": rotate(10, True), "rotate_7_corners": rotate(-7, False),
    "quarter_turn": lambda i, r: i.transpose(r.choice([Image.ROTATE_90, Image.ROTATE_270])), "half_turn": lambda i, r: i.transpose(Image.ROTATE_180),
    "mirror": lambda i, r: ImageOps.mirror(i), "mirror_crop_60": chain(crop(0.6), lambda i, r: ImageOps.mirror(i)),
    "border_white": border(0.08, "white"), "square_black": square((0, 0, 0)), "text": text, "watermark": watermark,
    "screenshot_phone": phone, "screenshot_desktop": desktop, "print": print_photo,
}


def stretched(image, side):
    out = io.BytesIO()
    image.convert("RGB").resize((side, side), Image.BOX if min(image.size) >= 2 * side else Image.BILINEAR).save(out, "JPEG", quality=88)
    return out.getvalue()


def version(path, name, seed, side):
    image = Image.open(path).convert("RGB")
    if name:
        image = saved(88)(EDITS[name](image, random.Random(seed)), None)
    return stretched(image, side)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("photos", type=Path)
    args.add_argument("out", type=Path)
    args.add_argument("--originals", type=int, default=240)
    args.add_argument("--versions", type=int, default=6)
    args.add_argument("--side", type=int, default=192, help="pixels of the stored pictures")
    args.add_argument("--drives", action="store_true", help="with the frames of drives")
    args = args.parse_args()
    rng = random.Random(7)
    lines = list(csv.DictReader(open(args.photos / "photos.csv")))
    rows = [i for i, line in enumerate(lines) if line["split"] == "val" and (args.drives or not line["sequence"])]
    candidates = [i for i in rows if not lines[i]["sequence"]]
    jobs = [(i, -1, "") for i in rows]
    for group, i in enumerate(rng.sample(candidates, args.originals)):
        jobs[rows.index(i)] = (i, group, "")
        jobs += [(i, group, name) for name in rng.sample(list(EDITS), args.versions)]
    with ProcessPoolExecutor() as pool:
        encoded = list(pool.map(version, [args.photos / lines[i]["file"] for i, _, _ in jobs], [n for _, _, n in jobs], range(len(jobs)), [args.side] * len(jobs), chunksize=32))
    np.savez(args.out, data=np.frombuffer(b"".join(encoded), np.uint8), ends=np.cumsum([len(e) for e in encoded]),
             rows=np.array([j[0] for j in jobs]), groups=np.array([j[1] for j in jobs]), edits=np.array([j[2] for j in jobs]))
    print(f"{args.out}: {len(jobs)} pictures, {len(b''.join(encoded)) / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
