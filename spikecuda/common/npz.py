"""Files of arrays (npz): written completely or not at all, and checked when read.

What is read may come from anywhere.  So nothing is unpickled, and sizes that a file declares are
held against what it has and against the memory that is there before any of it is taken.
"""

import contextlib
import math
import mmap
import os
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from spikecuda.common.arguments import as_path
from spikecuda.common.files import replacing
from spikecuda.common.host_memory import require_memory
from spikecuda.errors import SpikecudaError, SpikecudaValueError

STORED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # as numpy.savez and savez_compressed do
ENCRYPTED = 1
ENDING = ".npy"
BLOCK = 1 << 20
# The end of a zip file, and its longest comment; bytes of memory for one of its directory.
END, END_BYTES, LONG_END = b"PK\5\6", 22 + (1 << 16), b"PK\6\6"
LISTED = 16
# Members are written into a file that ``replacing`` has opened.
INTO: Literal["w"] = "w"
# What zipfile, zlib and NumPy's parser of headers raise for files that are something else.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, EOFError, OSError,
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, SyntaxError,
    NotImplementedError, RecursionError, RuntimeError, MemoryError, Warning,
)  # fmt: skip


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> Path:
    """Write arrays to an npz file: all of it or nothing; see ``files.replacing``.

    Args:
        path: file; the name is taken as it is.
        arrays: by key.
    """
    with replacing(as_path(path)) as file:
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]
    return Path(path)


@contextlib.contextmanager
def writing_npz(path: str | os.PathLike[str]) -> Iterator["NpzWriter"]:
    """Open an npz file to write array by array: all of it or nothing; see ``files.replacing``.

    The same arrays make the same bytes.
    """
    with (
        replacing(as_path(path)) as file,
        zipfile.ZipFile(file, INTO, zipfile.ZIP_STORED) as archive,
    ):
        yield NpzWriter(archive)


@dataclass(frozen=True, eq=False)
class Streamed:
    """A 1-D array that is written part by part.

    Attributes:
        dtype: its type, in the machine's byte order.
        size: elements of all parts.
        parts: gives them, 1-D arrays, in their order.
    """

    dtype: np.dtype[Any]
    size: int
    parts: Callable[[], Iterator[np.ndarray]]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the whole."""
        return (self.size,)


class NpzWriter:
    """An npz file that is being written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, array: np.ndarray | Streamed) -> None:
        """Write an array under a key that is new."""
        member = zipfile.ZipInfo(name + ENDING)
        with self._archive.open(member, INTO, force_zip64=True) as stream:
            if isinstance(array, Streamed):
                self._stream(stream, name, array)
            else:
                np.lib.format.write_array(stream, np.asarray(array), (1, 0), allow_pickle=False)

    def _stream(self, stream: IO[bytes], name: str, array: Streamed) -> None:
        about = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
        np.lib.format.write_array_header_1_0(stream, about)
        written = 0
        for part in array.parts():
            stream.write(np.ascontiguousarray(part, array.dtype).view(np.uint8).data)
            written += part.size
        if written != array.size:
            raise SpikecudaError(
                f"array {name!r} must have {array.size:,} numbers (got {written:,})"
            )


@contextlib.contextmanager
def reading_npz(path: str | os.PathLike[str], what: str) -> Iterator["NpzFile"]:
    """Open an npz file; whatever is found wrong with it in the block names the file.

    Args:
        path: the file.
        what: it must be, as "a file of edges"; for messages.

    Raises:
        SpikecudaValueError: it is something else, or damaged.
        OutOfMemoryError: what it declares does not fit.
        OSError: it cannot be opened.
    """
    with open_regular(path, what) as stream:
        try:
            require_memory(
                LISTED * _directory_bytes(stream), f"the directory of {os.fspath(path)}",
                "give a file of fewer arrays",
            )  # fmt: skip
            with zipfile.ZipFile(stream) as archive:
                yield NpzFile(archive, stream)
        except DAMAGED as error:
            if isinstance(error, SpikecudaError):
                raise
            words = str(error) or type(error).__name__
            raise SpikecudaValueError(
                f"path must be {what} (got {os.fspath(path)}: {words:.300}); write it again"
            ) from error


def open_regular(path: str | os.PathLike[str], what: str) -> IO[bytes]:
    """Open a file to read; a pipe would wait for ever, and a device would never end.

    Raises:
        SpikecudaValueError: the path belongs to something else.
        SpikecudaTypeError: it is no name.
        OSError: there is no such file, or it cannot be opened.
    """
    path = as_path(path)
    try:
        facts = os.stat(path)
    except ValueError:
        raise SpikecudaValueError(f"path must hold no NUL byte (got {path!r:.80})") from None
    if not stat.S_ISREG(facts.st_mode):
        kind = "folder" if stat.S_ISDIR(facts.st_mode) else "device or pipe"
        raise SpikecudaValueError(f"path must be {what} (got the {kind} {os.fspath(path)})")
    return open(path, "rb")


class NpzFile:
    """The arrays of an open npz file.

    Attributes:
        names: of the arrays, in the file's order.
    """

    def __init__(self, archive: zipfile.ZipFile, file: IO[bytes]) -> None:
        self._archive, self._file = archive, file
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            name = member.filename.removesuffix(ENDING)
            if name == member.filename:
                raise FormatError(f"{name!r:.80} is no array ({ENDING})")
            if name in self._members:
                raise FormatError(f"it has two arrays {name!r:.80}")
            self._members[name] = member
        self.names = list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Return the bytes that an array's member claims to have, its header included."""
        return self._member(name).file_size

    @property
    def checksum(self) -> int:
        """A number that tells files of other content apart."""
        known = [f"{name} {m.CRC} {m.file_size}" for name, m in sorted(self._members.items())]
        return zlib.crc32(" ".join(known).encode())

    def array(self, name: str, kinds: str, ndim: int, mapped: bool = False) -> np.ndarray:
        """Return an array in the machine's byte order.

        Args:
            name: its key.
            kinds: letters of NumPy's kinds of types that are allowed, as "iu" for integers.
            ndim: its number of dimensions.
            mapped: whether a large one may stay in the file, which is read where it is needed, once
                all of it was checked.
        """
        member = self._member(name)
        if member.compress_type not in STORED or member.flag_bits & ENCRYPTED:
            raise FormatError(f"array {name!r:.80} is encrypted or compressed unusually")
        with self._archive.open(member) as stream:
            shape, fortran, dtype = _header(stream, name)
            if dtype.kind not in kinds or dtype.names is not None or len(shape) != ndim:
                raise FormatError(
                    f"array {name!r:.80} must have {ndim} dimensions and a type of kind "
                    f"{' or '.join(kinds)} (got shape {shape!s:.80}, type {dtype})"
                )
            count = math.prod(list(shape))
            size = count * dtype.itemsize
            there = member.file_size - stream.tell()
            if size != there or (count and not dtype.itemsize):
                raise FormatError(f"array {name!r:.80} declares {size:,} bytes and has {there:,}")
            plain = member.compress_type == zipfile.ZIP_STORED and dtype.isnative and not fortran
            if mapped and plain and size >= BLOCK:
                at = stream.tell()
                _filled(stream, size, keep=False)
                at += self._begin(member)
                kept = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
                return np.frombuffer(kept, dtype, count, at).reshape(shape)
            require_memory(size, f"array {name!r:.80} of the file", "read it on a larger machine")
            raw = _filled(stream, size)
        found = raw.view(dtype) if size else np.empty(0, dtype)
        result = found.reshape(shape, order="F" if fortran else "C")
        return np.ascontiguousarray(result, dtype.newbyteorder("=")).reshape(shape)

    def _begin(self, member: zipfile.ZipInfo) -> int:
        """Return where in the file a member's content begins, after its local header."""
        self._file.seek(member.header_offset + 26)
        name, extra = struct.unpack("<HH", self._file.read(4))
        return int(member.header_offset + 30 + name + extra)

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise FormatError(f"it has no array {name!r:.80}")
        return self._members[name]


class FormatError(ValueError):
    """What is wrong with a file's content; ``reading_npz`` adds which file it is."""


def _directory_bytes(stream: IO[bytes]) -> int:
    """Return the bytes that the file says its directory has, 0 if it does not say it."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - END_BYTES - 76))  # 76: what files beyond 4 GB have before it
    tail = stream.read()
    stream.seek(0)
    at, long_at = tail.rfind(END), tail.rfind(LONG_END)
    declared = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if declared == 0xFFFFFFFF and long_at >= 0:
        declared = int.from_bytes(tail[long_at + 40 : long_at + 48], "little")
    return min(declared, size)


def _header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    # Later versions are for fields of structured types, and have headers of up to 4 GB.
    if version != (1, 0):
        raise FormatError(f"array {name!r:.80} has npy format {version}, not 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if any(isinstance(length, bool) or length < 0 for length in shape):
        raise FormatError(f"array {name!r:.80} has the shape {shape!s:.80}")
    return shape, bool(fortran), dtype


def _filled(stream: IO[bytes], size: int, keep: bool = True) -> np.ndarray:
    """Return so many bytes, or none; reading to the end compares the checksum."""
    raw = np.empty(size if keep else 0, np.uint8)
    at = 0
    while at < size:
        block = stream.read(min(BLOCK, size - at))
        if not block:
            raise FormatError("it ends too early")
        if keep:
            raw[at : at + len(block)] = np.frombuffer(block, np.uint8)
        at += len(block)
    if stream.read(1):
        raise FormatError("it goes on after its end")
    return raw
