"""Channels that go: as many of every layer's, with all that carries and reads them."""

import copy
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import multum
from multum.errors import FormatError, MissingExtra, UsageError
from multum.neural.narrowing import narrow
from multum.reduction import channels
from multum.reduction.bundles import find_bundles
from multum.reduction.removing import Removal, refit_without, remove_groups
from multum.reduction.settling import Settler
from tests.reduction.networks import compute, draw_batches, make_network
from tests.reduction.test_structuring import make_case, rebuild

# Data of channels on maps that nobody made for anything: smooth, so that channels have much in common.
SIDE = 12


def draw_images(count: int = 2) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(3)
    drawn = torch.randn(count, 24, 2, SIDE + 4, SIDE + 4, generator=generator)
    return [{"input": nn.functional.avg_pool2d(one, 5, 1) * 5} for one in drawn]


class Joined(nn.Module):
    """Two convolutions side by side, a depthwise one over both, and a linear layer that reads maps."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Conv2d(2, 8, 3, padding=1)
        self.right = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.deep = nn.Conv2d(14, 14, 3, groups=14, padding=1)
        self.norm = nn.BatchNorm2d(14)
        self.bend = nn.PReLU(14)
        self.mix = nn.Conv2d(14, 10, 1)
        self.told = nn.Linear(10 * 36, 3)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch's own layers call it
        both = torch.cat([torch.relu(self.left(input)), self.right(input)], 1)
        mixed = nn.functional.max_pool2d(self.mix(self.bend(self.norm(self.deep(both)))), 2)
        told: Tensor = self.told(torch.flatten(torch.relu(mixed), 1))
        return told


class Dense(nn.Module):
    """Each layer reads what all before it made."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 8, 3, padding=1)
        self.norm, self.second = nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3, padding=1)
        self.told = nn.Linear(12, 3)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch's own layers call it
        first = self.first(input)
        both = torch.cat([first, self.second(torch.relu(self.norm(first)))], 1)
        told: Tensor = self.told(torch.relu(both).mean((2, 3)))
        return told


class Weighed(nn.Module):
    """Linear layers say how much each channel counts, and a depthwise one stands within a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.weigh = nn.Conv2d(2, 8, 3), nn.Linear(8, 8)
        self.wide, self.deep = nn.Conv2d(8, 16, 1), nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.back, self.told = nn.Conv2d(16, 8, 1), nn.Linear(8, 3)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch's own layers call it
        first = torch.relu(self.first(input))
        first = first * torch.sigmoid(self.weigh(first.mean((2, 3))))[:, :, None, None]
        first = first + self.back(torch.relu(self.deep(torch.relu(self.wide(first)))))
        told: Tensor = self.told(first.mean((2, 3)))
        return told


class Mapped(nn.Module):
    """A network that tells classes at each place."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.told = nn.Conv2d(2, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 3, 1)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch's own layers call it
        told: Tensor = self.told(torch.relu(self.second(torch.relu(self.first(input)))))
        return told


def make_plain() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(300, 3)
    )


def make_signal() -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(2), nn.Conv1d(2, 8, 5), nn.BatchNorm1d(8), nn.PReLU(), nn.Conv1d(8, 8, 3), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip


KINDS: dict[str, Any] = {
    "plain": make_plain,
    "joined": Joined,
    "signal": make_signal,
    "dense": Dense,
    "weighed": Weighed,
    "mapped": Mapped,
}


def make(kind: str) -> Any:
    torch.manual_seed(0)
    return KINDS[kind]().eval()


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("plain", {"0": (4, 2), "2": (6, 4), "5": (3, 150)}),
        ("joined", {"left": (4, 2), "right": (3, 2), "deep": (7, 7), "mix": (5, 7), "told": (3, 180)}),
        ("signal", {"1": (4, 2), "4": (4, 4), "8": (3, 4)}),
        ("dense", {"first": (4, 2), "second": (2, 4), "told": (3, 6)}),
        ("weighed", {"weigh": (4, 4), "wide": (8, 4), "deep": (8, 8), "back": (4, 8), "told": (3, 4)}),
        ("mapped", {"first": (4, 2), "second": (4, 4), "told": (3, 4)}),
    ],
)
def test_all_that_carries_and_reads_channels_becomes_narrower(kind: str, sizes: dict[str, tuple[int, int]]) -> None:
    module, batches = make(kind), draw_images()
    wanted = compute(module, batches)
    done = multum.structure(module, "channels:0.5", batches)
    for name, (outputs, inputs) in sizes.items():
        layer = module.get_submodule(name)
        groups = getattr(layer, "groups", 1)
        assert tuple(layer.weight.shape[:2]) == (outputs, inputs // groups), name
        assert inputs in (getattr(layer, "in_channels", 0), getattr(layer, "in_features", 0)), name
    assert done.after == sum(parameter.numel() for parameter in module.parameters()) < done.before
    assert compute(module, batches).shape == wanted.shape
    assert all(parameter.requires_grad for parameter in module.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_layers_that_stay_make_good_what_went(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = draw_images(4)
    wanted = compute(make(kind), batches)
    fitted, bare = make(kind), make(kind)
    multum.structure(fitted, "channels:0.25", batches)
    monkeypatch.setattr(channels._Cut, "make_good", lambda *_: None)
    multum.structure(bare, "channels:0.25", batches)
    lost = [float((compute(module, batches) - wanted).norm()) for module in (fitted, bare)]
    assert lost[0] < 0.8 * lost[1]


def test_channels_without_any_effect_go_first_and_nothing_changes() -> None:
    module, batches = make("joined"), draw_images()
    with torch.no_grad():
        module.mix.weight[:, :14:2] = 0
        module.told.weight.view(3, 10, 36)[:, 5:] = 0
    wanted = compute(module, batches)
    multum.structure(module, "channels:0.5", batches)
    assert torch.allclose(compute(module, batches), wanted, atol=2e-3)


def make_resnet(**changes: Any) -> Any:
    from transformers import ResNetConfig, ResNetForImageClassification

    sizes: dict[str, Any] = {"embedding_size": 8, "hidden_sizes": [16, 32], "depths": [2, 1], "num_channels": 1}
    torch.manual_seed(0)
    return ResNetForImageClassification(ResNetConfig(**sizes | {"num_labels": 3} | changes)).eval()


@pytest.mark.parametrize(
    ("changes", "share", "widths"),
    [
        ({"layer_type": "basic"}, 0.25, (6, [12, 24])),
        ({"layer_type": "bottleneck"}, 0.5, (4, [8, 16])),
        ({"layer_type": "bottleneck"}, 0.3, (6, [11, 22])),
        ({"layer_type": "basic", "embedding_size": 16}, 0.5, (8, [8, 16])),  # the stem and the first stage are one
    ],
)
def test_a_residual_network_is_one_that_its_config_describes(
    changes: dict[str, Any], share: float, widths: tuple[int, list[int]]
) -> None:
    module, batches = make_resnet(**changes), draw_batches("resnet")
    done = multum.structure(module, f"channels:{share}", batches)
    assert (module.config.embedding_size, module.config.hidden_sizes) == widths
    assert done.changes == {"embedding_size": widths[0], "hidden_sizes": widths[1]}
    assert not done.sizes
    assert torch.equal(compute(rebuild(module), batches), compute(module, batches))


class Gated(nn.Module):
    """Halves of one layer's channels multiply each other."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 8, 3), nn.Conv2d(4, 3, 3)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch's own layers call it
        values, gates = self.first(input).chunk(2, 1)
        found: Tensor = self.second(values * gates).mean((2, 3))
        return found


class Halved(nn.Module):
    """Another layer reads half of what one makes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 8, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch's own layers call it
        one, other = torch.relu(self.first(input)).chunk(2, 1)
        return torch.cat([one, self.second(other)], 1)


class Stuck(nn.Module):
    """A network that knows how many channels it has."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 8, 3), nn.Linear(800, 3)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch's own layers call it
        found: Tensor = self.second(self.first(input).reshape(-1, 800))
        return found


class Blind(Stuck):
    """A network that leaves the graph."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch's own layers call it
        found: Tensor = self.second(self.first(input).detach().flatten(1))
        return found


def make_normed() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 8, 3), nn.GroupNorm(2, 8), nn.Conv2d(8, 3, 3), nn.Flatten())


REFUSED: dict[str, tuple[Any, str]] = {
    "gated": (Gated, "no channels of a Gated network can go; those of 'first' stay: one goes with others of the same"),
    "halved": (Halved, "no channels of a Halved network can go"),
    "stuck": (Stuck, "a Stuck network cannot run with fewer channels"),
    "blind": (Blind, "no channels of a Blind network can go: none can be followed to what it says"),
    "normed": (make_normed, r"those of '0' stay: '1' \(GroupNorm\) has no rules for fewer of them"),
    "linear": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(288, 3)), "network has no convolutions, so that no"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_channels_that_can_go_is_refused_by_name(kind: str) -> None:
    make_one, match = REFUSED[kind]
    torch.manual_seed(0)
    module = make_one()
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(UsageError, match=match):
        multum.structure(module, "channels:0.5", draw_images())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("gpt2", "config of a gpt2 network tells of fewer channels; there are rules for resnet; neurons, layers of it"),
        ("vit", "config of a vit network tells of fewer channels; .*; heads, neurons, layers of it can go"),
        ("mamba2", "config of a mamba2 network tells of fewer channels; .*; layers of it can go"),
    ],
)
def test_families_without_channels_are_refused_with_what_can_go(kind: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        multum.structure(make_network(kind), "channels:0.5", draw_batches(kind))


def test_shares_that_a_config_cannot_tell_of_are_refused() -> None:
    module, batches = make_resnet(layer_type="basic", embedding_size=3, hidden_sizes=[4, 8]), draw_batches("resnet")
    with pytest.raises(UsageError, match=r"so narrow a resnet network has no '.*shortcut.*'; give another share"):
        multum.structure(module, "channels:0.4", batches)  # both are 2 wide then, and nothing lies between
    with pytest.raises(UsageError, match=r"a share of 0\.01 is no channel of any layer of a Sequential network"):
        multum.structure(make("plain"), "channels:0.01", draw_images())
    with pytest.raises(UsageError, match="what channels are worth is seen on data: give some"):
        multum.structure(make("plain"), "channels:0.5")


def test_features_that_are_all_a_network_says_stay() -> None:
    with pytest.raises(UsageError, match="stay: they are what the network says; give the network with its head"):
        multum.structure(make_resnet(layer_type="basic").resnet, "channels:0.5", draw_batches("resnet"))


def test_channels_that_stay_are_named_with_their_reasons() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(make_plain()[:3], nn.GroupNorm(2, 12), nn.Conv2d(12, 4, 3), nn.Flatten(), nn.Linear(36, 3))
    done = multum.structure(module.eval(), "channels:0.5", draw_images())
    assert [(one.name, one.size) for one in done.left] == [("0.2", 12)]
    assert "GroupNorm" in done.left[0].reason
    assert {name: list(sizes) for name, sizes in done.sizes.items()} == {
        "0.0": [4, 2], "0.2": [12, 4], "2": [2, 12], "4": [3, 18]
    }  # fmt: skip


def test_bundles_tell_which_channel_each_input_is() -> None:
    bundles = {bundle.name: bundle for bundle in find_bundles(make("joined"), draw_images()[0])}
    assert set(bundles) == {"left", "right", "mix"}
    assert bundles["right"].readers["mix"].tolist() == [-1] * 8 + list(range(6))
    assert bundles["mix"].readers["told"].tolist() == [channel for channel in range(10) for _ in range(36)]


def test_what_is_fitted_at_once_is_what_one_removal_after_another_leaves() -> None:
    matrix, moments = make_case()
    removal = Removal.begin(matrix, moments, torch.ones(7), torch.arange(12).view(4, 3))
    remove_groups([removal], 2)
    fitted = refit_without(matrix, moments, removal.groups[~removal.left].flatten())
    assert torch.allclose(fitted, removal.matrix.float(), atol=1e-4)


def test_means_stay_what_they_were() -> None:
    module, batches = make("joined"), draw_images()
    settler = Settler(module, ["deep"], batches)
    means = module.deep.bias.detach().clone()
    with settler.settling(), torch.no_grad():
        module.deep.bias += 1
    assert torch.allclose(module.deep.bias, means, atol=1e-5)
    assert torch.allclose(module.norm.running_mean, torch.zeros(14), atol=1e-5)


def test_statistics_of_normalisations_move_as_much_as_what_they_read() -> None:
    module, batches = make("joined"), draw_images()
    settler = Settler(module, [], batches)
    with settler.settling(), torch.no_grad():
        module.deep.bias += 1
        module.deep.weight *= 2
    scaled = make("joined")
    read: dict[str, Tensor] = {}
    for name, one in (("before", scaled), ("after", module)):
        one.norm.register_forward_pre_hook(lambda _, inputs, name=name: read.update({name: inputs[0]}))
        one(torch.cat([batch["input"] for batch in batches]))
    moved = read["after"].mean((0, 2, 3)) - read["before"].mean((0, 2, 3))
    assert torch.allclose(module.norm.running_mean, moved, atol=1e-4)
    assert torch.allclose(module.norm.running_var, torch.full((14,), 4.0), rtol=1e-3)


@pytest.mark.parametrize("sizes", [{"0": [9, 2]}, {"0": [4]}, {"0": [0, 2]}, {"1": [8]}, {"7": [4, 2]}, {"0": 4}])
def test_sizes_that_layers_cannot_have_are_refused(sizes: Any) -> None:
    with pytest.raises(FormatError, match="the network cannot have a layer"):
        narrow(make("plain"), sizes)


def test_what_traces_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    with pytest.raises(MissingExtra, match=r"channels need torch_pruning; pip install 'multum\[shrink\]'"):
        multum.structure(make("plain"), "channels:0.5", draw_images())
