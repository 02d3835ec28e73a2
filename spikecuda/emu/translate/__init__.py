"""PTX to LLVM IR: control flow here, one module for each family of instructions."""

from .module import Translation, entries, translate

__all__ = ["Translation", "entries", "translate"]
