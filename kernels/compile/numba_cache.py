"""Numba's compiled functions in the cache: one checked file for each function and signature.

Numba's own cache unpickles whatever it finds and fails for ever on a damaged file.  This one keeps
the same content in entries of ``cache``.  It stands on what Numba 0.61 to 0.68 have in common: a
dispatcher asks its ``_cache`` for an overload before it compiles, and gives it the result.
"""

import functools
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import caching, sigutils, typeinfer
from numba.core.ccallback import CFunc

from spikecuda.common.stack_room import with_room
from spikecuda.kernels.compile import cache, one_compiler, pipeline

Function = Callable[..., Any]


def compiled(signatures: Any = None, *, stem: Path | None = None, **options: Any) -> Any:
    """``numba.njit`` whose machine code is kept in the cache.

    Args:
        signatures: what it is compiled for at once, one or a list; without, ``compile`` does it.
        stem: folder and beginning of the names of its entries, which cover the source of all that
            it inlines; by default those of the file that it is defined in, without its ending.
        options: of ``numba.njit``.
    """

    def decorate(function: Function) -> Any:
        dispatcher = njit(pipeline_class=pipeline.Compiler, **options)(function)
        if not hasattr(dispatcher, "_cache"):  # NUMBA_DISABLE_JIT leaves the function as it is
            return dispatcher
        dispatcher._cache = FunctionCache(function, stem)
        dispatcher.compile = functools.partial(with_room, dispatcher.compile)
        if signatures is not None:
            several = isinstance(signatures, list | tuple)
            with typeinfer.register_dispatcher(dispatcher):
                for signature in signatures if several else [signatures]:
                    dispatcher.compile(signature)
                dispatcher.disable_compile()
        return dispatcher

    return decorate


def callback(signature: Any, *, stem: Path | None = None, **options: Any) -> Any:
    """``numba.cfunc`` whose machine code is kept in the cache; see ``compiled``."""

    def decorate(function: Function) -> Any:
        types = sigutils.normalize_signature(signature)
        found: Any = CFunc(function, types, {}, options, pipeline_class=pipeline.Compiler)
        found._cache = FunctionCache(function, stem)
        with_room(found.compile)
        return found

    return decorate


class FunctionCache(caching.NullCache):
    """The overloads of one function, in entries of the cache.

    Args:
        function: the Python function.
        stem: see ``compiled``.
    """

    def __init__(self, function: Function, stem: Path | None = None) -> None:
        self._function = function
        code = function.__code__
        place = Path(code.co_filename).with_suffix("") if stem is None else stem
        self._stem = place.with_name(f"{place.name}.{function.__name__}-{code.co_firstlineno}")

    @property
    def cache_path(self) -> str:
        """The folder of the entries."""
        return str(self._stem.parent)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function for a signature, None if it must be compiled."""
        target_context.refresh()
        path = self._path(sig, target_context.codegen())
        found = cache.load(path)
        if found is None:
            if not one_compiler.begin():
                return None
            found = cache.load(path)
            if found is None:
                return None
            one_compiler.end()
        from numba.core.compiler import CompileResult

        try:
            return CompileResult._rebuild(target_context, *pickle.loads(found))
        except Exception:
            # The bytes are those that were written; what they were made for has gone.
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled function, unless it refers to what only this process has."""
        from numba.core.serialize import dumps

        try:
            if not (data.lifted or data.library.has_dynamic_globals):
                cache.save(self._path(sig, data.codegen), dumps(data._reduce()))
        finally:
            one_compiler.end()

    def _path(self, sig: Any, codegen: Any) -> Path:
        """Return the entry of a signature for this processor."""
        made_for = repr((str(sig), codegen.magic_tuple())).encode()
        digest = hashlib.sha256(made_for).hexdigest()[:16]
        return self._stem.with_name(f"{self._stem.name}-{digest}.nbc")
