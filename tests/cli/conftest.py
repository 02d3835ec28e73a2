"""Run the command line in this process."""

import pytest

from spikecuda.cli import main


@pytest.fixture
def cli(capsys):
    """Return a function that runs a command and gives (exit code, stdout, stderr)."""

    def run(*argv):
        try:
            code = main([str(a) for a in argv])
        except SystemExit as exit:
            code = exit.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


MODEL = '''
from spikecuda import Model, Parameter, State
from spikecuda.language import real


class MyQIF(Model):
    """Quadratic integrate-and-fire."""

    v = State("mV", initial=-1.0, span=10.0)
    tau = Parameter(10.0, "ms", above=0.0)

    def step(v, current, tau, dt):
        return v + dt / tau * (v * v + current)

    def threshold(v):
        return v >= real(10.0)

    def reset(v):
        return real(-10.0)
'''


@pytest.fixture
def model_file(tmp_path):
    """A user's model in a file of its own."""
    path = tmp_path / "mymodel.py"
    path.write_text(MODEL)
    return path
