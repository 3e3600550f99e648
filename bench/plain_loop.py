"""The peer of bench/fit.py: a training loop as nanoGPT's, from PyTorch's own parts and nothing clever.

The same shape as Multum's program for the same dial: root-mean-square norms, rotary positions, gated network, untied
head; a layer at a time, autocast, fused AdamW, PyTorch's fused attention.
"""

import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from multum.neural.architectures import Shape


class Layer(nn.Module):
    """Attention and gated network."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.norms = nn.ModuleList(nn.RMSNorm(shape.width) for _ in range(2))
        self.mixed = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.gate = nn.Linear(shape.width, shape.inner, bias=False)
        self.up = nn.Linear(shape.width, shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x: [batch, time, width]."""
        batch, time_, width = x.shape
        q, k, v = self.mixed(self.norms[0](x)).view(batch, time_, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = (turn(one, cos, sin).to(v.dtype) for one in (q, k))
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(batch, time_, width))
        normed = self.norms[1](x)
        gated: Tensor = functional.silu(self.gate(normed)) * self.up(normed)
        added: Tensor = self.down(gated)
        return x + added


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return rotary positions applied."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class PlainLlama(nn.Module):
    """Embedding, layers, head, loss."""

    def __init__(self, shape: Shape, window: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(256, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width)
        self.head = nn.Linear(shape.width, 256, bias=False)
        half = shape.width // shape.heads // 2
        angles = torch.outer(torch.arange(window), 10000.0 ** (-torch.arange(half) / half))
        self.cos, self.sin = nn.Buffer(angles.cos()), nn.Buffer(angles.sin())

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Return the mean nats."""
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return functional.cross_entropy(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


def steps(shape: Shape, window: int, batch: int, precision: torch.dtype) -> Iterator[float]:
    """Take training steps on random bytes for ever; yield the seconds of each. batch: bytes a step."""
    torch.manual_seed(0)
    model = PlainLlama(shape, window)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    while True:
        start = time.perf_counter()
        data = torch.randint(0, 256, (batch // window, window + 1))
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            loss = model(data[:, :-1], data[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield time.perf_counter() - start
