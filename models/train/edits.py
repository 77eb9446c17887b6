"""What people do to a photo, on a batch of photos at once, wherever torch runs. How often each edit
is drawn, and how strong, stands in `[views]` of `../edits.toml`.

`Edits` turns photos into views: every view draws its own edits with their own strengths. The
geometric ones (crop, rotation, mirror, perspective, borders, screenshots) are one matrix for each
view and cost one sampling; the rest are arithmetic with a neutral parameter where an edit is not
drawn, or run on the part of the batch that drew them.

Photos: uint8 [n, 3, S, S], each stretched to the square, with its aspect (width / height) [n].
Views: float32 [n, 3, size, size] in 0..1.
"""

import math
import tomllib
from pathlib import Path

import torch
import torch.nn.functional as F

VIEWS = tomllib.loads((Path(__file__).parent.parent / "edits.toml").read_text())["views"]


class Draw:
    """Random numbers for a batch, from one generator, so that a seed repeats a run."""

    def __init__(self, n, device, generator):
        self.n, self.device, self.generator = n, device, generator

    def uniform(self, low=0.0, high=1.0, *shape):
        return low + (high - low) * torch.rand(self.n, *shape, device=self.device, generator=self.generator)

    def normal(self, *shape):
        return torch.randn(self.n, *shape, device=self.device, generator=self.generator)

    def chance(self, probability):
        return torch.rand(self.n, device=self.device, generator=self.generator) < probability

    def drawn(self, edit, among):
        """Which of the views `among` get an edit of the table."""
        return among & self.chance(VIEWS[edit]["chance"])

    def below(self, high):
        return torch.randint(high, (self.n,), device=self.device, generator=self.generator)


def column(x):
    return x.view(-1, 1, 1, 1)


class Edits:
    def __init__(self, device, size, canvases, masks):
        """canvases: uint8 [m, 3, c, c], what surrounds a picture on a screen; masks: uint8
        [m, c, c], the opacity of text and marks laid over a picture."""
        self.device, self.size = device, size
        self.canvases, self.masks = canvases, masks
        k = torch.arange(8, device=device).float()
        dct = torch.cos(math.pi / 8 * (k[None] + 0.5) * k[:, None]) * 0.5
        dct[0] /= math.sqrt(2)
        self.dct = dct
        # A smooth approximation of JPEG's luma table: coarser towards high frequencies.
        self.quant = 10 + 6.5 * (k[None] + k[:, None]) ** 1.15

    @torch.no_grad()
    def __call__(self, photos, aspect, regions, weak, generator):
        """Views of the `regions` [n, 4] of `photos` (half-extents and centre, -1..1); where `weak` [n] is true only a resize, a recompression or a slight
        change of tone."""
        draw = Draw(len(photos), self.device, generator)
        strong = ~weak
        views = self.geometry(photos, aspect, regions, strong, draw)
        views = self.tone(views, strong, draw)
        views = self.texture(views, strong, draw)
        views = self.overlay(views, photos, strong, draw)
        views = self.resolution(views, strong, draw)
        return views.clamp(0, 1)

    # Geometry ---------------------------------------------------------------------------------

    def geometry(self, photos, aspect, regions, strong, draw):
        n, device = draw.n, self.device
        one, zero = torch.ones(n, device=device), torch.zeros(n, device=device)

        def matrix(*rows):
            return torch.stack([torch.stack(row, 1) for row in rows], 1)

        # Crop: half-extents and centre in the photo, in -1..1.
        cropped = draw.drawn("crop", strong)
        smallest = torch.where(regions[:, 0] < 1, 0.3, VIEWS["crop"]["area"])
        area = torch.exp(draw.uniform() * smallest.log())
        ratio = torch.exp(draw.normal() * VIEWS["crop"]["ratio_spread"])
        half_w = torch.where(cropped, (area * ratio).sqrt().clamp(max=1), one)
        half_h = torch.where(cropped, (area / ratio).sqrt().clamp(max=1), one)
        centre_x = draw.uniform(-1, 1) * (1 - half_w)
        centre_y = draw.uniform(-1, 1) * (1 - half_h)
        crop = matrix((half_w, zero, centre_x), (zero, half_h, centre_y), (zero, zero, one))
        # Shape of the crop in the world, for turning without shear.
        shape = aspect * regions[:, 0] / regions[:, 1] * half_w / half_h

        # Rotation: straightening mostly, sometimes far; zoomed so that few corners show.
        straightened = draw.drawn("straighten", strong)
        far = draw.drawn("turn_far", strong)
        angle = torch.where(straightened, draw.normal() * math.radians(VIEWS["straighten"]["degrees_spread"]), zero)
        angle = torch.where(far, draw.uniform(-1, 1) * math.radians(VIEWS["turn_far"]["degrees"]), angle)
        filled = draw.chance(0.7)
        longest = torch.maximum(shape, 1 / shape)
        zoom = torch.where(filled, 1 / (angle.cos() + longest * angle.sin().abs()), one)
        c, s = angle.cos() * zoom, angle.sin() * zoom
        turn = matrix((c, -s / shape, zero), (s * shape, c, zero), (zero, zero, one))

        # Quarter turns and mirrors.
        quarter = torch.where(draw.drawn("quarter_turn", strong), draw.below(3) + 1, torch.zeros_like(draw.below(3)))
        qc = torch.tensor([1.0, 0, -1, 0], device=device)[quarter]
        qs = torch.tensor([0.0, 1, 0, -1], device=device)[quarter]
        quarters = matrix((qc, -qs, zero), (qs, qc, zero), (zero, zero, one))
        flip_x = torch.where(draw.drawn("mirror", strong), -one, one)
        flip_y = torch.where(draw.drawn("upside_down_mirror", strong), -one, one)
        mirror = matrix((flip_x, zero, zero), (zero, flip_y, zero), (zero, zero, one))

        # Keystone: a photo of a print, or lines made upright.
        leaning = draw.drawn("lean", strong).float()
        lean = VIEWS["lean"]["by"]
        perspective = matrix(
            (one, draw.normal() * lean / 3 * leaning, zero),
            (draw.normal() * lean / 3 * leaning, one, zero),
            (draw.uniform(-lean, lean) * leaning, draw.uniform(-lean, lean) * leaning, one),
        )

        # Placed on a canvas: borders, frames, screenshots, slides, collages.
        screen = draw.drawn("screen", strong)
        border = draw.drawn("border", strong) & ~screen
        scale_x = torch.where(border, draw.uniform(VIEWS["border"]["smallest"], 0.98), one)
        scale_y = torch.where(border, draw.uniform(VIEWS["border"]["smallest"], 0.98), one)
        even = border & draw.chance(0.5)
        scale_y = torch.where(even, scale_x, scale_y)
        only_y = border & draw.chance(0.3)
        scale_x = torch.where(only_y, one, scale_x)
        scale_x = torch.where(screen, torch.where(draw.chance(0.5), one, draw.uniform(0.4, 1.0)), scale_x)
        scale_y = torch.where(screen, draw.uniform(VIEWS["screen"]["smallest"], 0.95), scale_y)
        centred = border & draw.chance(0.8)
        offset_x = draw.uniform(-1, 1) * (1 - scale_x) * (~centred)
        offset_y = draw.uniform(-1, 1) * (1 - scale_y) * (~centred)
        place = matrix((1 / scale_x, zero, -offset_x / scale_x), (zero, 1 / scale_y, -offset_y / scale_y), (zero, zero, one))

        # From a view's pixel back to the photo. Twice the size, then halved: the sampling must not alias.
        inner = mirror @ quarters @ perspective @ place
        back = crop @ turn @ inner
        side = 2 * self.size
        axis = (torch.arange(side, device=device).float() + 0.5) * (2 / side) - 1
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        points = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3)
        mapped = points @ back.transpose(1, 2)
        grid = (mapped[..., :2] / mapped[..., 2:].clamp(min=0.1)).view(n, side, side, 2)
        framed = points @ inner.transpose(1, 2)
        framed = (framed[..., :2] / framed[..., 2:].clamp(min=0.1)).view(n, side, side, 2)
        inside = ((grid.abs() <= 1).all(-1) & (framed.abs() <= 1).all(-1)).float().unsqueeze(1)
        grid = grid * regions[:, None, None, :2] + regions[:, None, None, 2:]
        source = photos.to(torch.float16 if device.type == "cuda" else torch.float32) / 255
        grid = grid.to(source.dtype) if device.type != "cuda" else grid.half()
        picture = F.grid_sample(source, grid, mode="bilinear", padding_mode="border", align_corners=False)
        picture = F.avg_pool2d(picture.float(), 2)
        inside = F.avg_pool2d(inside, 2)

        # What is around: a plain colour, a blurred or another photo, an application.
        colour = draw.uniform(0, 1, 3)
        grey = draw.uniform(0, 1, 1).round() * draw.uniform(0.8, 1, 1)
        colour = torch.where(draw.chance(0.7)[:, None], grey.expand(-1, 3), colour)
        around = colour.view(n, 3, 1, 1).expand(-1, -1, self.size, self.size)
        canvas = F.interpolate(self.canvases[draw.below(len(self.canvases))].float() / 255, size=self.size)
        around = torch.where(column(screen), canvas, around)
        blurred = F.interpolate(F.interpolate(source.float(), size=6, mode="area"), size=self.size, mode="bilinear", align_corners=False)
        around = torch.where(column(border & draw.chance(0.15)), blurred, around)
        other = F.interpolate(source.float(), size=self.size, mode="area").roll(len(photos) // 3, 0)
        around = torch.where(column((screen | border) & draw.chance(0.12)), other, around)
        return picture * inside + around * (1 - inside)

    # Tone and colour --------------------------------------------------------------------------

    def tone(self, x, strong, draw):
        device, n = self.device, draw.n
        amount, every = torch.where(strong, 1.0, 0.2), torch.ones_like(strong)
        exposed = draw.drawn("exposure", every).float() * amount
        x = x * torch.exp2(column(draw.normal() * VIEWS["exposure"]["spread"] * exposed))
        gain = torch.exp2(draw.normal(3) * VIEWS["gain"]["spread"] * (draw.drawn("gain", every).float() * amount)[:, None])
        x = (x * gain.view(n, 3, 1, 1)).clamp(0, 1)
        gamma = torch.exp2(draw.normal() * VIEWS["gamma"]["spread"] * draw.drawn("gamma", every).float() * amount)
        x = x.clamp(min=1e-4) ** column(gamma)
        contrast = torch.exp2(draw.normal() * VIEWS["contrast"]["spread"] * draw.drawn("contrast", every).float() * amount)
        pivot = x.mean((1, 2, 3), keepdim=True) * 0.5 + 0.25
        x = (x - pivot) * column(contrast) + pivot

        # A tone curve through random points, for presets, solarised looks and inverted scans.
        curved = draw.drawn("curve", strong)
        steps = draw.uniform(0.02, 1, 3, 8)
        together = draw.chance(0.5)
        steps = torch.where(together.view(n, 1, 1), steps[:, :1].expand(-1, 3, -1), steps)
        knots = torch.cat([torch.zeros(n, 3, 1, device=device), steps.cumsum(-1)], -1)
        knots = knots / knots[..., -1:]
        lift, top = draw.uniform(0, 0.2, 1, 1), draw.uniform(0.8, 1, 1, 1)
        knots = lift + knots * (top - lift)
        identity = torch.linspace(0, 1, 9, device=device).expand(n, 3, 9)
        knots = torch.where(curved.view(n, 1, 1), knots, identity)
        inverted = draw.drawn("inverted", strong)
        knots = torch.where(inverted.view(n, 1, 1), 1 - knots, knots)
        position = x.clamp(0, 1) * 8
        low = position.floor().clamp(max=7)
        index = low.long().view(n, 3, -1)
        value = torch.lerp(knots.gather(2, index), knots.gather(2, index + 1), (position - low).view(n, 3, -1))
        x = value.view_as(x)

        # Saturation, hue, black and white, tints.
        luma_weights = torch.tensor([0.299, 0.587, 0.114], device=device)
        filtered = (draw.uniform(0, 1, 3) + 0.05)
        filtered = filtered / filtered.sum(1, keepdim=True)
        mono = draw.drawn("grey", strong)
        weights = torch.where((mono & draw.chance(0.5))[:, None], filtered, luma_weights)
        luma = (x * weights.view(n, 3, 1, 1)).sum(1, keepdim=True)
        saturation = torch.exp2(draw.normal() * VIEWS["saturation"]["spread"] * draw.drawn("saturation", every).float() * amount)
        saturation = torch.where(mono, torch.zeros_like(saturation), saturation)
        x = luma + (x - luma) * column(saturation)
        angle = draw.normal() * VIEWS["hue"]["radians_spread"] * draw.drawn("hue", strong).float()
        angle = torch.where(draw.drawn("hue_far", strong), draw.uniform(-math.pi, math.pi), angle)
        x = rotate_hue(x, angle)
        tinted = draw.drawn("tint", strong).float() * draw.uniform(*VIEWS["tint"]["amount"])
        shadow, light = draw.uniform(0, 0.4, 3), draw.uniform(0.6, 1, 3)
        duotone = shadow.view(n, 3, 1, 1) + luma * (light - shadow).view(n, 3, 1, 1)
        x = torch.lerp(x, duotone, column(tinted))

        # Light that falls off: vignettes, gradients, leaks.
        axis = torch.linspace(-1, 1, self.size, device=device)
        vignette = draw.uniform(*VIEWS["vignette"]["strength"]) * draw.drawn("vignette", strong).float()
        radius = (axis[None, :] ** 2 + axis[:, None] ** 2)[None, None]
        x = x * (1 - column(vignette) * radius / 2)
        slope = draw.normal(2) * VIEWS["light_leak"]["spread"] * draw.drawn("light_leak", strong).float()[:, None]
        ramp = slope[:, :1, None] * axis[None, None, :] + slope[:, 1:, None] * axis[None, :, None]
        x = x + ramp.unsqueeze(1) * draw.uniform(0, 1, 3).view(n, 3, 1, 1)
        return x.clamp(0, 1)

    # Sharpness and grain ----------------------------------------------------------------------

    def texture(self, x, strong, draw):
        blurry = draw.drawn("blur", strong)
        sigma = torch.where(blurry, draw.uniform(*VIEWS["blur"]["pixels"]), torch.full_like(draw.uniform(), 0.6))
        soft = gaussian(x, sigma)
        sharpened = draw.drawn("sharpen", strong) & ~blurry
        wide = gaussian(x, draw.uniform(1, 6))
        x = torch.where(column(blurry), soft, x)
        x = torch.where(column(sharpened), x + column(draw.uniform(*VIEWS["sharpen"]["amount"])) * (x - wide), x)
        grain = draw.uniform(0, VIEWS["noise"]["sigma"]) * draw.drawn("noise", strong).float()
        noise = draw.normal(3, self.size, self.size)
        noise = torch.where(column(draw.chance(0.4)), noise[:, :1].expand_as(noise), noise)
        return (x + noise * column(grain)).clamp(0, 1)

    # Text, marks, stickers, other pictures ------------------------------------------------------

    def overlay(self, x, photos, strong, draw):
        marked = draw.drawn("mark", strong)
        mask = self.masks[draw.below(len(self.masks))].float().unsqueeze(1) / 255
        mask = F.interpolate(mask, size=self.size, mode="bilinear", align_corners=False)
        opacity = draw.uniform(*VIEWS["mark"]["opacity"]) * marked.float()
        colour = torch.where(draw.chance(0.6)[:, None], draw.uniform(0, 1, 1).round().expand(-1, 3), draw.uniform(0, 1, 3))
        x = torch.lerp(x, colour.view(-1, 3, 1, 1).expand_as(x), mask * column(opacity))
        # A double exposure: the other one is always the weaker.
        other = F.interpolate(photos.float() / 255, size=self.size, mode="area").roll(len(photos) // 3 + 1, 0)
        ghost = draw.uniform(*VIEWS["double_exposure"]["opacity"]) * draw.drawn("double_exposure", strong).float()
        x = torch.lerp(x, other, column(ghost))
        # A picture in the picture.
        axis = torch.linspace(0, 1, self.size, device=self.device)
        w, h = draw.uniform(*VIEWS["picture_in_picture"]["side"]), draw.uniform(*VIEWS["picture_in_picture"]["side"])
        left, top = draw.uniform() * (1 - w), draw.uniform() * (1 - h)
        in_x = (axis[None] >= left[:, None]) & (axis[None] <= (left + w)[:, None])
        in_y = (axis[None] >= top[:, None]) & (axis[None] <= (top + h)[:, None])
        pasted = in_y[:, :, None] & in_x[:, None, :] & draw.drawn("picture_in_picture", strong).view(-1, 1, 1)
        return torch.where(pasted.unsqueeze(1), other, x)

    # Resolution and compression -------------------------------------------------------------------

    def resolution(self, x, strong, draw):
        # Thumbnails: of two sizes a batch, because a resize has one size for a whole tensor.
        kind = draw.uniform()
        small, thumbnails = VIEWS["thumbnail"]["pixels"], VIEWS["thumbnail"]["chance"]
        low, high = torch.randint(small[0], small[1] + 1, (2,), device=self.device, generator=draw.generator).tolist()
        shrunk = int(self.size * VIEWS["shrink"]["share"])
        below = 0.0
        for chance, side, mode in [(thumbnails / 2, low, "bilinear"), (thumbnails / 2, high, "bicubic"), (VIEWS["shrink"]["chance"], shrunk, "bicubic")]:
            chosen = ((kind >= below) & (kind < below + chance)).nonzero().squeeze(1)
            below += chance
            if len(chosen):
                part = F.interpolate(x[chosen], size=side, mode="area")
                x[chosen] = F.interpolate(part, size=self.size, mode=mode, align_corners=False)
        chosen = draw.chance(VIEWS["jpeg"]["chance"]).nonzero().squeeze(1)
        if len(chosen):
            quality = draw.uniform(*VIEWS["jpeg"]["coarseness"])[chosen]
            x[chosen] = self.compress(x[chosen].clamp(0, 1), quality)
        return x

    def compress(self, x, coarseness):
        n, size = len(x), self.size
        y = (x * 255 - 128).view(n, 3, size // 8, 8, size // 8, 8).permute(0, 1, 2, 4, 3, 5)
        spectrum = self.dct @ y @ self.dct.T
        table = self.quant * coarseness.view(-1, 1, 1, 1, 1, 1)
        spectrum = (spectrum / table).round() * table
        y = self.dct.T @ spectrum @ self.dct
        return (y.permute(0, 1, 2, 4, 3, 5).reshape(n, 3, size, size) + 128) / 255


def rotate_hue(x, angle):
    """Turns colours around the grey axis (Rodrigues' formula)."""
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    third, root = 1 / 3, math.sqrt(1 / 3)
    eye = torch.eye(3, device=x.device)
    cross = torch.tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0.0]], device=x.device) * root
    turn = cos * eye + sin * cross + (1 - cos) * third
    return torch.einsum("nij,njhw->nihw", turn, x)


def gaussian(x, sigma):
    """Blurs each picture with its own sigma, in pixels."""
    n, c, h, w = x.shape
    reach = 8
    offsets = torch.arange(-reach, reach + 1, device=x.device).float()
    kernel = torch.exp(-0.5 * (offsets[None] / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0)
    flat = F.pad(x.reshape(1, n * c, h, w), (reach,) * 4, mode="reflect")
    flat = F.conv2d(flat, kernel.view(n * c, 1, 1, -1), groups=n * c)
    flat = F.conv2d(flat, kernel.view(n * c, 1, -1, 1), groups=n * c)
    return flat.view(n, c, h, w)
