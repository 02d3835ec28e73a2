"""PTX types: what a suffix such as ``.u32`` or ``.f16x2`` means, and its LLVM counterpart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """One PTX fundamental type.

    Attributes:
        name: the suffix without its dot.
        kind: ``b`` (bits), ``u``, ``s``, ``f`` or ``p`` (predicate).
        width: bits of the whole value.
        lanes: 2 for the packed halves, else 1.
    """

    name: str
    kind: str
    width: int
    lanes: int = 1

    @property
    def bits(self) -> str:
        """LLVM integer type of the same width."""
        return f"i{self.width}"

    @property
    def llvm(self) -> str:
        """LLVM type that arithmetic uses."""
        if self.kind != "f":
            return self.bits
        scalar = {16: "half", 32: "float", 64: "double"}[self.width // self.lanes]
        return f"<2 x {scalar}>" if self.lanes == 2 else scalar

    @property
    def intrinsic(self) -> str:
        """Suffix of LLVM's overloaded intrinsics."""
        if self.kind != "f":
            return self.bits
        return f"v2f{self.width // 2}" if self.lanes == 2 else f"f{self.width}"

    @property
    def is_float(self) -> bool:
        """Whether it is a floating type."""
        return self.kind == "f"

    @property
    def signed(self) -> bool:
        """Whether it is a signed integer type."""
        return self.kind == "s"

    @property
    def bytes(self) -> int:
        """Its size in memory."""
        return max(1, self.width // 8)


TYPES: dict[str, Type] = {
    f"{kind}{width}": Type(f"{kind}{width}", kind, width)
    for kind in "bus"
    for width in (8, 16, 32, 64)
}
TYPES |= {f"f{width}": Type(f"f{width}", "f", width) for width in (16, 32, 64)}
TYPES["f16x2"] = Type("f16x2", "f", 32, 2)
TYPES["pred"] = Type("pred", "p", 1)

PRED = TYPES["pred"]
B16, B32, B64 = TYPES["b16"], TYPES["b32"], TYPES["b64"]
U32, S32, U64, S64 = TYPES["u32"], TYPES["s32"], TYPES["u64"], TYPES["s64"]
F16, F32, F64 = TYPES["f16"], TYPES["f32"], TYPES["f64"]


def bits_type(width: int) -> Type:
    """Return the untyped (``.bN``) type of a width; 1 gives the predicate type."""
    return PRED if width == 1 else TYPES[f"b{width}"]
