"""Linear nodes as sparse matrices: weights, convolutions, pooling.

Source: the definitions of PyTorch 2, which NIR follows: cross-correlation, channels first, zeros as
padding, which averages count.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.common.packages import need
from spikecuda.errors import SpikecudaValueError

# Bytes of an entry of a matrix while it is put together.
ENTRY = 40.0


def linear_map(
    where: str, kind: str, node: Any, shape: tuple[int, ...]
) -> tuple[Any, np.ndarray | None, tuple[int, ...]]:
    """Return the matrix of a linear node.

    Args:
        where: file and node, for errors.
        kind: its type.
        node: of nir.
        shape: of what it reads.

    Returns:
        A CSR matrix (outputs, inputs), the constant that is added, float64 (outputs,) or None, and
        the shape of the outputs.
    """
    sparse = need("scipy.sparse", "nir", "NIR")
    size = int(np.prod(shape, dtype=np.int64))
    if kind == "Flatten":
        return sparse.identity(size, format="csr"), None, _flat(node, shape)
    if kind == "Scale":
        scale = _numbers(where, "scale", node.scale)
        if scale.size not in (1, size):
            raise SpikecudaValueError(
                f"{where}: scale must have a number for each of the {size:,} inputs (got "
                f"{scale.size:,})"
            )
        return sparse.diags(np.broadcast_to(scale.ravel(), size), format="csr"), None, shape
    if kind in ("Affine", "Linear"):
        weight = _numbers(where, "weight", node.weight)
        if weight.ndim != 2 or weight.shape[1] != size:
            raise SpikecudaValueError(
                f"{where}: weight must be of shape (outputs, {size:,}), the size of its input (got "
                f"{weight.shape})"
            )
        bias = _numbers(where, "bias", node.bias).ravel() if kind == "Affine" else None
        if bias is not None and bias.size != weight.shape[0]:
            raise SpikecudaValueError(
                f"{where}: bias must have {weight.shape[0]:,} numbers (got {bias.size:,})"
            )
        return sparse.csr_matrix(weight), bias, (weight.shape[0],)
    if kind in ("SumPool2d", "AvgPool2d"):
        kernel = _pair(node.kernel_size, 2)
        value = 1.0 / float(np.prod(kernel)) if kind == "AvgPool2d" else 1.0
        if len(shape) != 3:
            raise SpikecudaValueError(
                f"{where}: must read (channels, height, width) (got shape {shape})"
            )
        weight = np.zeros((shape[0], 1, *kernel)) + value
        return _convolution(
            where, shape, weight, _pair(node.stride, 2), _pair(node.padding, 2), (1, 1), shape[0]
        ), None, _size_of(where, shape, (shape[0], 1, *kernel), _pair(node.stride, 2),
                          _pair(node.padding, 2), (1, 1))  # fmt: skip
    return _conv(where, kind, node, shape)


def _conv(
    where: str, kind: str, node: Any, shape: tuple[int, ...]
) -> tuple[Any, np.ndarray | None, tuple[int, ...]]:
    rank = 1 if kind == "Conv1d" else 2
    weight = _numbers(where, "weight", node.weight)
    if weight.ndim != rank + 2 or len(shape) != rank + 1:
        raise SpikecudaValueError(
            f"{where}: must have a weight of {rank + 2} dimensions and read {rank + 1} (got shape "
            f"{weight.shape} and {shape})"
        )
    stride, dilation = _pair(node.stride, rank), _pair(node.dilation, rank)
    padding: tuple[int, ...] | str = node.padding
    if isinstance(padding, bytes):
        padding = padding.decode()
    ends = _padding(where, padding, weight.shape[2:], dilation, stride)
    groups = int(node.groups)
    if groups < 1 or weight.shape[1] * groups != shape[0] or weight.shape[0] % groups:
        raise SpikecudaValueError(
            f"{where}: weight must read {shape[0]} channels in groups (got shape {weight.shape}, "
            f"groups {groups})"
        )
    after = _size_of(where, shape, weight.shape, stride, ends, dilation)
    matrix = _convolution(where, shape, weight, stride, ends, dilation, groups)
    bias = _numbers(where, "bias", node.bias).ravel()
    if bias.size != weight.shape[0]:
        raise SpikecudaValueError(
            f"{where}: bias must have {weight.shape[0]:,} numbers (got {bias.size:,})"
        )
    return matrix, np.repeat(bias, int(np.prod(after[1:]))), after


def _padding(
    where: str, padding: Any, kernel: Sequence[int], dilation: Sequence[int], stride: Sequence[int]
) -> tuple[int, ...]:
    """Return the zeros before each dimension; those behind follow from the size."""
    named = isinstance(padding, str)
    if named and padding == "valid":
        return (0,) * len(kernel)
    if named and padding == "same":
        if any(s != 1 for s in stride):
            raise SpikecudaValueError(f"{where}: padding 'same' must have stride 1 (got {stride})")
        return tuple(-(d * (k - 1)) for k, d in zip(kernel, dilation, strict=True))
    return _pair(padding, len(kernel))


def _before(pad: int) -> int:
    """Return the zeros in front: half of a "same" padding, which is given as minus the sum."""
    return pad if pad >= 0 else -pad // 2


def _both(pad: int) -> int:
    return 2 * pad if pad >= 0 else -pad


def _size_of(
    where: str,
    shape: Sequence[int],
    weight: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> tuple[int, ...]:
    """Return the shape of what a convolution gives."""
    sizes = [
        (n + _both(p) - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(shape[1:], weight[2:], stride, padding, dilation, strict=True)
    ]
    if min(sizes) < 1 or min(stride) < 1:
        raise SpikecudaValueError(
            f"{where}: the kernel must fit in what it reads (got shape {tuple(shape)}, kernel "
            f"{tuple(weight[2:])})"
        )
    return (int(weight[0]), *sizes)


def _convolution(
    where: str,
    shape: Sequence[int],
    weight: np.ndarray,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Any:
    """Return the matrix of a convolution over one or two dimensions."""
    sparse = need("scipy.sparse", "nir", "NIR")
    after = _size_of(where, shape, weight.shape, stride, padding, dilation)
    inside, outside = tuple(shape[1:]), after[1:]
    require_memory(ENTRY * weight.size * float(np.prod(outside)), where, "use a smaller one")
    rows, columns, values = [], [], []
    places = np.indices(outside).reshape(len(outside), -1)
    per = weight.shape[0] // groups
    for offset in np.ndindex(*weight.shape[2:]):
        at = [
            p * s - _before(pad) + o * d
            for p, s, pad, o, d in zip(places, stride, padding, offset, dilation, strict=True)
        ]
        good = np.all([(a >= 0) & (a < n) for a, n in zip(at, inside, strict=True)], axis=0)
        if not good.any():
            continue
        to = np.flatnonzero(good)
        source = np.ravel_multi_index([a[good] for a in at], inside)
        some = weight[(slice(None), slice(None), *offset)]
        out, within = np.nonzero(some)
        channel = (out // per) * weight.shape[1] + within
        rows.append((to + out[:, None] * int(np.prod(outside))).ravel())
        columns.append((source + channel[:, None] * int(np.prod(inside))).ravel())
        values.append(np.repeat(some[out, within], to.size))
    size = (int(np.prod(after)), int(np.prod(shape)))
    if not rows:
        return sparse.csr_matrix(size)
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix(entries, shape=size)


def _pair(value: Any, rank: int) -> tuple[int, ...]:
    """Return one integer for each dimension."""
    numbers = np.atleast_1d(np.asarray(value)).astype(np.int64)
    return tuple(int(n) for n in (np.repeat(numbers, rank) if numbers.size == 1 else numbers))


def _flat(node: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape after Flatten, whose dimensions count from the first after a batch's."""
    first, last = int(node.start_dim), int(node.end_dim)
    first = first if first >= 0 else first + len(shape)
    last = last if last >= 0 else last + len(shape)
    if first >= last:
        return shape
    return (*shape[:first], int(np.prod(shape[first : last + 1])), *shape[last + 1 :])


def _numbers(where: str, name: str, value: Any) -> np.ndarray:
    numbers = np.asarray(value, np.float64)
    if not np.isfinite(numbers).all():
        raise SpikecudaValueError(f"{where}: {name} must be finite (got NaN or infinity)")
    return numbers
