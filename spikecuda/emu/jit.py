"""LLVM text to machine code, through llvmlite, and the code kept on disk between runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from . import checks, store
from .errors import HostError
from .parse import parse
from .translate import Translation, translate

OPT_LEVEL = 3


@cache
def _machine() -> Any:
    try:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features().flatten()
        name = llvm.get_host_cpu_name()
        target = llvm.Target.from_default_triple()
        return target.create_target_machine(cpu=name, features=features, opt=OPT_LEVEL, jit=True)
    except RuntimeError as error:
        raise HostError(f"this machine has no JIT compiler for kernels (got {error})") from error


def _needs_half(text: str) -> bool:
    return "half" in text


def _check_host(text: str) -> None:
    """Refuse kernels with halves on an x86 CPU that cannot convert them."""
    if "x86" not in llvm.get_process_triple() or not _needs_half(text):
        return
    if not llvm.get_host_cpu_features().get("f16c"):
        raise HostError(
            f"float16 in a kernel needs a CPU with F16C (got {llvm.get_host_cpu_name()});"
            " use a CPU made after 2013, or float32"
        )


@cache
def _fingerprint() -> str:
    """What machine code depends on besides the PTX: this package, LLVM and the CPU."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *here.glob("translate/*.py")]):
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(llvmlite.__version__.encode() + str(llvm.llvm_version_info).encode())
    digest.update(llvm.get_host_cpu_name().encode())
    digest.update(llvm.get_host_cpu_features().flatten().encode())
    return digest.hexdigest()


@dataclass
class Program:
    """Executable code of one kernel in one mode."""

    translation: Translation
    engine: Any
    address: int
    cached: bool

    def global_address(self, name: str) -> int:
        """Where a variable of the module lies."""
        return int(self.engine.get_global_value_address(f"G{name}"))


def compile_program(text: str, name: str | None, checked: bool) -> Program:
    """Translate and compile a kernel, or take its code from the cache on disk.

    Args:
        text: the PTX module.
        name: the kernel; None where there is only one.
        checked: whether accesses are checked.
    """
    key = hashlib.sha256(f"{_fingerprint()}|{name}|{checked}|{text}".encode()).hexdigest()
    stored = store.load(key)
    if stored is not None:
        header, _, code = stored.partition(b"\n")
        translation = Translation(ir="", **json.loads(header))
        return _link(translation, code, checked, cached=True)
    translation = translate(parse(text), name, checked)
    _check_host(translation.ir)
    code = _object_code(translation.ir)
    fields = asdict(translation)
    del fields["ir"]
    store.save(key, json.dumps(fields).encode() + b"\n" + code)
    return _link(translation, code, checked, cached=False)


def optimise(text: str) -> Any:
    """Parse LLVM text and run LLVM's pipeline, which also splits the coroutines."""
    machine = _machine()
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_process_triple()
    module.data_layout = str(machine.target_data)
    module.verify()
    options = llvm.PipelineTuningOptions(speed_level=OPT_LEVEL)
    options.loop_vectorization = True
    options.slp_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


def _object_code(text: str) -> bytes:
    return bytes(_machine().emit_object(optimise(text)))


def _link(translation: Translation, code: bytes, checked: bool, cached: bool) -> Program:
    if checked:
        checks.register()
    empty = llvm.parse_assembly("")
    empty.triple = llvm.get_process_triple()
    features = llvm.get_host_cpu_features().flatten()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=OPT_LEVEL, jit=True
    )
    engine = llvm.create_mcjit_compiler(empty, machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address("emu_range")
    if not address:
        raise HostError(f"the code of {translation.name} did not link; clear {store.cache_dir()}")
    return Program(translation, engine, int(address), cached)
