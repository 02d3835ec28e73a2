"""Facts about a kernel that the assembler wrote into the cubin itself.

A cubin is an ELF64 file whose ``.nv.info`` sections hold attributes: a format byte, a number, and
16 bits that are a size or a value.  The numbers have the names EIATTR_* in ``cuobjdump -elf``.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from spikecuda.errors import SpikecudaValueError

REGCOUNT, FRAME_SIZE, PARAM_CBANK, KPARAM_INFO = 0x2F, 0x11, 0x0A, 0x17
SIZED = 4  # the format of attributes that have a payload


@dataclass(frozen=True)
class Facts:
    """What a cubin says about one kernel.

    Attributes:
        registers: 32-bit registers per thread.
        frame: bytes of local memory per thread: stack and spills.
        shared: bytes of static shared memory per block.
        base: where parameters start in constant bank 0, in bytes.
        offsets: of each parameter from ``base``, in bytes.
    """

    registers: int
    frame: int
    shared: int
    base: int
    offsets: tuple[int, ...]


def facts(cubin: bytes, entry: str) -> Facts:
    """Return what a cubin says about a kernel.

    Raises:
        SpikecudaValueError: not a cubin, or no such kernel in it.
    """
    sections = _sections(cubin)
    symbol = _symbols(sections).get(entry)
    own = sections.get(f".nv.info.{entry}")
    if symbol is None or own is None:
        raise SpikecudaValueError(f"the cubin has no kernel {entry!r}; pass the name in its PTX")
    general = {
        number: struct.unpack_from("<I", payload, 4)[0]
        for number, payload in _attributes(sections[".nv.info"])
        if number in (REGCOUNT, FRAME_SIZE) and struct.unpack_from("<I", payload)[0] == symbol
    }
    base, offsets = 0, {}
    for number, payload in _attributes(own):
        if number == PARAM_CBANK:
            base = struct.unpack_from("<H", payload, 4)[0]
        elif number == KPARAM_INFO:
            ordinal, offset = struct.unpack_from("<HH", payload, 4)
            offsets[ordinal] = offset
    shared = len(sections.get(f".nv.shared.{entry}", b""))
    ordered = tuple(offsets[i] for i in range(len(offsets)))
    return Facts(general[REGCOUNT], general[FRAME_SIZE], shared, base, ordered)


def _sections(cubin: bytes) -> dict[str, bytes]:
    """Return the sections of an ELF64 file by name."""
    if cubin[:5] != b"\x7fELF\x02":
        raise SpikecudaValueError(f"a cubin is an ELF64 file (got {cubin[:5]!r}); pass a cubin")
    (table,) = struct.unpack_from("<Q", cubin, 40)
    size, count, names = struct.unpack_from("<HHH", cubin, 58)
    heads = [struct.unpack_from("<IIQQQQ", cubin, table + i * size) for i in range(count)]
    start = heads[names][4]
    result = {}
    for name, kind, _, _, offset, length in heads:
        end = cubin.index(b"\0", start + name)
        # Sections without content in the file (SHT_NOBITS, shared memory) have a length only.
        content = bytes(length) if kind == 8 else cubin[offset : offset + length]
        result[cubin[start + name : end].decode()] = content
    return result


def _symbols(sections: dict[str, bytes]) -> dict[str, int]:
    """Return the index of each symbol by name."""
    table, names = sections[".symtab"], sections[".strtab"]
    result = {}
    for i in range(len(table) // 24):
        (name,) = struct.unpack_from("<I", table, 24 * i)
        result[names[name : names.index(b"\0", name)].decode()] = i
    return result


def _attributes(section: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and payload of each attribute; attributes without a payload are left out."""
    at = 0
    while at + 4 <= len(section):
        form, number, size = struct.unpack_from("<BBH", section, at)
        at += 4
        if form == SIZED:
            yield number, section[at : at + size]
            at += size
