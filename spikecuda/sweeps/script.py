"""Whether the script that was started can be imported by workers without doing its work again."""

import ast
import inspect
import sys
from pathlib import Path

from spikecuda.errors import SpikecudaError
from spikecuda.sweeps.sent_function import MAIN


def require_protected() -> None:
    """Raise if the line of the script that has led here is not under an ``if __name__``.

    Workers import the script to find a function of it, and would come to that line, too.
    """
    main = sys.modules[MAIN]
    file = getattr(main, "__file__", None)
    frame = inspect.currentframe()
    line = 0
    while frame is not None:
        if frame.f_globals is main.__dict__ and frame.f_code.co_name == "<module>":
            line = frame.f_lineno
        frame = frame.f_back
    if file is None or not line:
        return
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for statement in tree.body:
        if statement.lineno <= line <= (statement.end_lineno or line):
            if isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test):
                return
            raise SpikecudaError(
                f"workers import {Path(file).name} to find the function, and would come to line "
                f'{line}, too: put that under if __name__ == "__main__":, or install cloudpickle: '
                'pip install "spikecuda[sweep]"'
            )
