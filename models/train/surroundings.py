"""Draws what surrounds or covers pictures: screens of applications, text and marks.

Made, not collected: rectangles, lines of text in a few sizes, icons. They only have to be busy in
the places and proportions of the real ones.
"""

import random
import string

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 192


def words(rng, length):
    return " ".join("".join(rng.choice(string.ascii_letters + string.digits) for _ in range(rng.randint(2, 9))) for _ in range(length))


def canvas(seed):
    """A screen, RGB uint8 [SIDE, SIDE, 3]."""
    rng = random.Random(seed)
    dark = rng.random() < 0.5
    ground = tuple(rng.randint(0, 40) if dark else rng.randint(215, 255) for _ in range(3))
    if rng.random() < 0.15:
        ground = tuple(rng.randint(0, 255) for _ in range(3))
    image = Image.new("RGB", (SIDE, SIDE), ground)
    draw = ImageDraw.Draw(image)
    ink = (235, 235, 235) if dark else (25, 25, 25)
    accent = tuple(rng.randint(0, 255) for _ in range(3))
    for edge in range(rng.randint(1, 4)):
        height = rng.randint(5, 26)
        fill = tuple(max(0, min(255, c + rng.randint(-40, 40))) for c in ground)
        box = [(0, 0, SIDE, height), (0, SIDE - height, SIDE, SIDE), (0, 0, height * 2, SIDE), (SIDE - height * 2, 0, SIDE, SIDE)][edge]
        draw.rectangle(box, fill=fill)
    for _ in range(rng.randint(3, 26)):
        size = rng.choice([5, 6, 8, 10, 14])
        x, y = rng.randint(0, SIDE - 20), rng.choice([rng.randint(0, 30), rng.randint(SIDE - 45, SIDE - 8), rng.randint(0, SIDE)])
        draw.text((x, y), words(rng, rng.randint(1, 5)), fill=rng.choice([ink, ink, accent]), font=ImageFont.load_default(size))
    for _ in range(rng.randint(0, 12)):
        x, y, r = rng.randint(0, SIDE), rng.choice([rng.randint(0, 24), rng.randint(SIDE - 30, SIDE)]), rng.randint(2, 9)
        shape = rng.choice([draw.ellipse, draw.rectangle])
        shape((x - r, y - r, x + r, y + r), outline=rng.choice([ink, accent]), fill=rng.choice([None, accent]))
    return np.asarray(image)


def mask(seed):
    """Text or a mark to lay over a picture: opacity, uint8 [SIDE, SIDE]."""
    rng = random.Random(seed)
    image = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(image)
    kind = rng.random()
    if kind < 0.45:
        for _ in range(rng.randint(1, 4)):
            size = rng.choice([8, 12, 18, 26, 40])
            draw.text((rng.randint(-10, SIDE // 2), rng.randint(0, SIDE - 10)), words(rng, rng.randint(1, 4)), fill=255, font=ImageFont.load_default(size))
    elif kind < 0.65:
        text, size = words(rng, 1), rng.choice([8, 11, 15])
        for y in range(0, SIDE, size * 3):
            for x in range(-20, SIDE, size * 7):
                draw.text((x + (y % 2) * 10, y), text, fill=170, font=ImageFont.load_default(size))
        image = image.rotate(rng.choice([0, 30, 45, -30]))
    elif kind < 0.8:
        y, height = rng.choice([0, rng.randint(0, SIDE), SIDE - 30]), rng.randint(12, 44)
        draw.rectangle((0, y, SIDE, y + height), fill=rng.randint(120, 255))
        draw.text((rng.randint(2, 40), y + 4), words(rng, 3), fill=0, font=ImageFont.load_default(height // 2))
    else:
        for _ in range(rng.randint(1, 6)):
            x, y, r = rng.randint(0, SIDE), rng.randint(0, SIDE), rng.randint(5, 34)
            shape = rng.choice([draw.ellipse, draw.rectangle])
            shape((x - r, y - r, x + r, y + rng.randint(4, r)), fill=rng.choice([0, 255, 255]), outline=255, width=rng.randint(1, 5))
        points = [(rng.randint(0, SIDE), rng.randint(0, SIDE)) for _ in range(rng.randint(2, 7))]
        draw.line(points, fill=255, width=rng.randint(1, 6))
    return np.asarray(image)
