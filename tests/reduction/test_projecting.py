"""Features of classifiers in fewer dimensions: what stays, what is learned anew, and who has none."""

import pytest
import torch
from torch import nn

import multum
from multum.errors import UsageError


def make_classifier(dimensions: int = 12, classes: int = 3, bias: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, dimensions), nn.Tanh(), nn.Linear(dimensions, classes, bias=bias)).eval()


def make_batches(count: int = 4) -> list[dict[str, torch.Tensor]]:
    chance = torch.Generator().manual_seed(1)
    return [{"input": torch.randn(50, 6, generator=chance)} for _ in range(count)]


@pytest.mark.parametrize("bias", [True, False])
def test_as_many_dimensions_as_features_have_tell_the_same(bias: bool) -> None:
    module, batches = make_classifier(bias=bias), make_batches()
    first = module[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():
        first.weight[4:] = 0  # so that only four features vary, and the others are what they always are
        before = module(**batches[0])
    done = multum.project(module, "5", batches)
    assert (done.head, done.kept, done.dimensions) == ("2", 5, 12)
    assert done.variance > 0.9999
    assert [size for size, _ in done.curve] == [1, 2, 4, 5]
    assert done.curve[-1][1] == 1.0
    with torch.no_grad():
        assert torch.allclose(module(**batches[0]), before, atol=1e-4)


def test_the_head_reads_no_more_dimensions_than_were_asked_for() -> None:
    module, batches = make_classifier(classes=8), make_batches()
    done = multum.project(module, "3", batches)
    head = module[2]
    assert isinstance(head, nn.Linear)
    assert int(torch.linalg.matrix_rank(head.weight.detach(), rtol=1e-4)) == 3
    assert done.curve[0][1] < done.curve[-1][1] < 1


def test_a_head_is_learned_anew_from_labels() -> None:
    class Labelled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = make_classifier(classes=2)

        def forward(self, value: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            assert len(value) == len(labels)
            told: torch.Tensor = self.net(value)
            return told

    module = Labelled()
    batches = [{"value": batch["input"], "labels": (batch["input"][:, 0] > 0).long()} for batch in make_batches()]
    multum.project(module, "4:learned", batches)
    with torch.no_grad():
        right = [(module(**batch).argmax(1) == batch["labels"]).float().mean() for batch in batches]
    assert sum(right) / len(right) > 0.8
    with pytest.raises(UsageError, match="a head is learned from labels"):
        multum.project(make_classifier(), "4:learned", make_batches())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("0", "features of 0 dimensions tell nothing"),
        ("4:lda", "'lda' is no way to reduce features; allowed is pca or learned"),
        ("pca:4", "features takes DIMENSIONS"),
        ("12", "the head reads 12 dimensions, and 12 are not fewer"),
    ],
)
def test_what_cannot_be_asked_for_is_told(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        multum.project(make_classifier(), words, make_batches())


def test_a_network_without_a_head_has_no_features() -> None:
    module = nn.Sequential(nn.Linear(6, 4), nn.Tanh())
    with pytest.raises(UsageError, match="is no classifier that ends with a linear layer"):
        multum.project(module, "2", make_batches())
    with pytest.raises(UsageError, match="is seen on data"):
        multum.project(module, "2")
