"""How Numba compiles the functions of kernels: with the passes that they need, and each once.

Numba optimises each function in full and makes machine code of it, and does so again where the
function is called from: LLVM inlines it there, or copies it.  A function that only compiled code
calls needs neither: it is simplified, and what calls it gets the whole treatment once.  Together
with the passes that are left out, a network's first run compiles in a third less time.

It stands on what Numba 0.61 to 0.68 have in common: ``pipeline_class``, and a library of code that
is chosen before a function is lowered.
"""

from typing import Any

from numba.core import compiler, typed_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import DefaultPassBuilder, Flags
from numba.core.compiler_machinery import register_pass

# Passes for closures, comprehensions, ``with``, exceptions made at run time, ``literal_unroll`` and
# arithmetic of whole arrays: kernels have none of these.
UNUSED = {
    "DumpParforDiagnostics", "InlineClosureLikes", "InlineInlinables",
    "LiteralPropagationSubPipelinePass", "LiteralUnroll", "MakeFunctionToJitFunction",
    "NopythonRewrites", "RewriteDynamicRaises", "WithLifting",
}  # fmt: skip


def quick(flags: Any) -> Any:
    """Return a class of Numba's flags whose objects are compared in a tenth of the time.

    Typing compares them for each operation of a function.
    """
    hash_of_all = hash(flags())

    class QuickFlags(flags):
        __slots__ = ()

        def __hash__(self) -> int:
            return hash_of_all

        def __eq__(self, other: object) -> bool:
            if not isinstance(other, flags):
                return NotImplemented
            mine, theirs = self._values, other._values
            if mine == theirs:
                return True
            default = {name: self.options[name].default for name in mine.keys() | theirs.keys()}
            return {**default, **mine} == {**default, **theirs}

    # It is in the names of functions.
    QuickFlags.__name__ = flags.__name__
    return QuickFlags


QuickFlags = quick(Flags)


def needed(passes: list[Any]) -> list[Any]:
    """Return those of Numba's passes, with their descriptions, that kernels have a use for."""
    return [(step, why) for step, why in passes if step.__name__ not in UNUSED]


class Compiler(compiler.Compiler):
    """Numba's compiler without the passes that kernels have no use for."""

    def __init__(
        self, typingctx: Any, targetctx: Any, library: Any, args: Any, return_type: Any,
        flags: Any, locals: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            typingctx, targetctx, library, args, return_type, QuickFlags(flags), locals
        )

    def define_pipelines(self) -> list[Any]:
        """Return the passes, in Numba's order."""
        found = DefaultPassBuilder.define_nopython_pipeline(self.state)
        found.passes = [(self.replaced(step), why) for step, why in needed(found.passes)]
        found.finalize()
        return [found]

    def replaced(self, step: Any) -> Any:
        """Return what is done instead of one of Numba's passes."""
        return step


class InnerCompiler(Compiler):
    """The compiler of functions that only compiled code calls."""

    def replaced(self, step: Any) -> Any:
        """Return what is done instead of one of Numba's passes."""
        return InnerLowering if step is typed_passes.NativeLowering else step


@register_pass(mutates_CFG=True, analysis_only=False)
class InnerLowering(typed_passes.NativeLowering):
    """Lower a function into an ``InnerLibrary``."""

    _name = "spikecuda_inner_lowering"

    def run_pass(self, state: Any) -> bool:
        """Choose the library, then do what Numba does."""
        name = state.func_id.func_qualname
        state.library = InnerLibrary(state.targetctx.codegen(), name)
        return bool(super().run_pass(state))


class InnerLibrary(JITCodeLibrary):
    """The code of a function for others to link in: simplified, without machine code."""

    @property
    def codegen(self) -> Any:
        """What makes code for this library."""
        return _NoMachineCode(self._codegen)

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0, as for any function that is not there."""
        self._ensure_finalized()
        return 0

    def _optimize_final_module(self) -> None:
        """Leave it to the library that this one is linked into."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


class _NoMachineCode:
    """Numba's code generator, for a function without machine code to keep globals beside."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, env: Any) -> None:
        """Do nothing: only wrappers for Python look for what is set here."""
