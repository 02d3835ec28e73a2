"""Which execution pipe an instruction takes, and how fast the pipes are.

Which pipe: NVIDIA Nsight Compute Profiling Guide, "Pipelines" (FMA: float32 arithmetic and integer
multiplication; ALU: other integer arithmetic, logic, comparison, selection and the fast
float32 -> float16 conversion; XU: transcendentals and other conversions).
How fast: CUDA C++ Programming Guide 12.9, section 8.4.1, and CUDA C++ Best Practices Guide 13,
section 12.1.1, "Throughput of Native Arithmetic Instructions", results per cycle and
multiprocessor.  Load/store units: the architecture whitepapers.
"""

from dataclasses import dataclass

from spikecuda.inspection.sass import InspectionError, Instruction

FP32, IMAD, FP16, IADD, ALU, MINMAX, VOTE = "FP32", "IMAD", "FP16", "IADD", "ALU", "MINMAX", "VOTE"
XU, CONVERT, CONVERT64, FP64 = "XU", "CONVERT", "CONVERT64", "FP64"
LSU, CONSTANT, UNIFORM, CONTROL = "LSU", "CONSTANT", "UNIFORM", "CONTROL"
PIPES = (
    FP32, IMAD, FP16, IADD, ALU, MINMAX, VOTE, XU, CONVERT, CONVERT64, FP64, LSU, CONSTANT,
    UNIFORM, CONTROL,
)  # fmt: skip

_OPCODES = {
    FP32: "FADD FMUL FFMA FADD32I FMUL32I FFMA32I FSWZADD FADD2 FMUL2 FFMA2",
    IMAD: "IMAD IMUL IDP IMAD32I",
    FP16: "HADD2 HMUL2 HFMA2 HSETP2 HSET2 HMNMX2",
    IADD: "IADD IADD3 VIADD IADD32I",
    ALU: "FSETP FSEL FSET FCHK LOP3 LOP SHF SHL SHR LEA PRMT SEL ISETP BMSK SGXT P2R R2P PLOP3"
    " MOV F2FP I2FP VABSDIFF IABS",
    MINMAX: "FMNMX FMNMX3 IMNMX VIMNMX VIMNMX3 MNMX VIADDMNMX",
    VOTE: "VOTE",
    XU: "MUFU POPC FLO BREV REDUX CREDUX",
    CONVERT: "F2F F2I I2F FRND I2I",
    FP64: "DADD DMUL DFMA DSETP DMNMX DSET",
    LSU: "LDG STG LD ST LDL STL LDS STS ATOM ATOMG ATOMS RED REDG REDS SHFL MATCH",
    CONSTANT: "LDC LDCU ULDC S2R S2UR CS2R R2UR B2R LEPC",
    UNIFORM: "UIADD3 UIADD ULOP3 USEL UISETP UMOV ULEA UIMAD USHF UPLOP3 UIMNMX UVIMNMX UPRMT"
    " USGXT UBMSK UFLO UPOPC UBREV UFMUL UFADD UFFMA UFSETP UFSEL UP2UR UR2UP VOTEU UI2FP UF2FP"
    " UVIADD",
    CONTROL: "BRA EXIT RET CALL BSSY BSYNC BREAK WARPSYNC NOP YIELD BMOV BAR DEPBAR MEMBAR"
    " ERRBAR CCTL ENDCOLLECTIVE",
}
_PIPE = {opcode: pipe for pipe, opcodes in _OPCODES.items() for opcode in opcodes.split()}


def pipe(instruction: Instruction) -> str:
    """Return the pipe of an instruction.

    Raises:
        InspectionError: an opcode that is not in the table; it is never guessed.
    """
    found = _PIPE.get(instruction.opcode)
    if found is None:
        raise InspectionError(
            f"opcode {instruction.opcode} is in no pipe ({instruction}); look it up in the Nsight "
            "Compute Profiling Guide and add it to pipes.py"
        )
    return CONVERT64 if found == CONVERT and "F64" in instruction.modifiers else found


@dataclass(frozen=True)
class Resource:
    """A part of a multiprocessor that instructions of some pipes share.

    Attributes:
        name: how reports call it.
        pipes: whose instructions take it.
        lanes: results per cycle and multiprocessor.
    """

    name: str
    pipes: frozenset[str]
    lanes: int


# One instruction of a warp per cycle for each of the four schedulers of a multiprocessor, on all
# architectures here (Turing, Ampere, Ada, Hopper and Blackwell whitepapers).
ISSUE = Resource("issue", frozenset(PIPES), 128)


def _resources(
    fp32: int, fp64: int, fp16: int, convert: int, convert64: int, lsu: int, *integer: Resource
) -> tuple[Resource, ...]:
    return (
        ISSUE,
        Resource("FP32", frozenset({FP32, IMAD}), fp32),
        Resource("integer multiply", frozenset({IMAD}), 64),
        Resource("FP64", frozenset({FP64}), fp64),
        Resource("FP16", frozenset({FP16}), fp16),
        Resource("XU", frozenset({XU}), 16),
        Resource("conversion", frozenset({CONVERT}), convert),
        Resource("conversion 64", frozenset({CONVERT64}), convert64),
        Resource("load/store", frozenset({LSU}), lsu),
        *integer,
    )


_INTEGER = (
    Resource("ALU", frozenset({IADD, ALU, MINMAX}), 64),
    Resource("vote", frozenset({VOTE}), 64),
)
# 10.0 has float32 minimum and maximum at 128; 12.0 has integer addition, minimum and vote at 128.
_INTEGER_100 = (
    Resource("ALU", frozenset({IADD, ALU}), 64),
    Resource("min/max", frozenset({MINMAX}), 128),
    Resource("vote", frozenset({VOTE}), 64),
)
_INTEGER_120 = (
    Resource("ALU", frozenset({ALU}), 64),
    Resource("integer add", frozenset({IADD, MINMAX}), 128),
    Resource("vote", frozenset({VOTE}), 128),
)
RESOURCES = {
    (7, 5): _resources(64, 2, 64, 16, 2, 16, *_INTEGER),
    (8, 0): _resources(64, 32, 128, 16, 16, 32, *_INTEGER),
    (8, 6): _resources(128, 2, 128, 16, 2, 16, *_INTEGER),
    (8, 9): _resources(128, 2, 128, 64, 2, 16, *_INTEGER),
    (9, 0): _resources(128, 64, 128, 64, 16, 32, *_INTEGER),
    (10, 0): _resources(128, 64, 128, 64, 16, 32, *_INTEGER_100),
    (12, 0): _resources(128, 2, 64, 64, 2, 32, *_INTEGER_120),
}
