"""Where a function keeps what its registers cannot hold."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def align_stack(typingctx):
    """Let the function that this is in keep its vectors at multiples of 64 bytes.

    LLVM puts vectors for which there is no register on the stack, which is a multiple of 16 bytes:
    three times of four each of them lies on two cache lines, and a loop that reads some constants
    there takes a fifth longer.  A variable that must lie at a multiple of 64 makes it align the
    whole frame; this one is not used, but LLVM cannot know.
    """

    def generate(context, builder, signature, args):
        with builder.goto_entry_block():
            slot = builder.alloca(ir.IntType(8))
            slot.align = 64
            kind = ir.FunctionType(ir.VoidType(), [slot.type])
            builder.asm(kind, "", "r", [slot], side_effect=True)
        return context.get_dummy_value()

    return types.void(), generate
