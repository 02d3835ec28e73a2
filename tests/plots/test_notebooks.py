"""Notebooks that are run for real: figures, tables and progress in the cells' outputs."""

import os
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).resolve().parents[2]
SETUP = """
from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem
from spikecuda.network import ExpCurrent, FixedOutDegree, Network
net = Network(0.1, 3, devices="cpu")
net.population("E", 64, receptors={"exc": ExpCurrent(5.0)})
net.connect("E", "E", FixedOutDegree(8), 30.0, 1.5)
net.drive("E", 500.0)
net.record("E", ["spikes", "v"], every=1.0)
result = net.run(50.0);
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Return what runs cells in one notebook and gives each cell's outputs."""
    folder = tmp_path_factory.mktemp("jupyter")
    changed = {
        "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder),
        "JUPYTER_DATA_DIR": str(folder), "MPLBACKEND": "",
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    del os.environ["MPLBACKEND"]

    def run(*cells):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in (SETUP, *cells)]
        )
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "", "language": "python"}
        nbclient.NotebookClient(notebook, timeout=200, kernel_name="python3").execute()
        return [cell.outputs for cell in notebook.cells[1:]]

    yield run
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def images(outputs):
    return sum("image/png" in output.get("data", {}) for output in outputs)


def html(outputs):
    return "".join(output.get("data", {}).get("text/html", "") for output in outputs)


def test_figures_show_once_and_the_users_own_after_them(kernel):
    own = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 1]);"
    cells = kernel(
        "result.raster();",
        "result.raster()",
        own,
        "fig = result.plot_rates()",
        "result.raster(); result.plot_traces();",
        own,
        "fig",
        "fig, ax = plt.subplots()\nresult.raster(ax=ax);",
        "import tempfile, os\nfig = result.raster(os.path.join(tempfile.mkdtemp(), 'x.png'))",
        "import matplotlib; print(matplotlib.is_interactive(), plt.get_fignums())",
    )
    assert [images(cell) for cell in cells[:9]] == [1, 1, 1, 1, 2, 1, 1, 1, 0]
    assert cells[9][0]["text"] == "True []\n"


def test_values_are_tables_and_progress_shows(kernel):
    cells = kernel(
        "net.summary()",
        "print(repr(net.summary()))",
        "net",
        "net['E']",
        "net.projections[0]",
        "result",
        "net['E'].state",
        "net.metrics()",
        "pool = GPUNeuronPool(100, device='cpu')\npool",
        "pool.state",
        "got = pool.run(steps=300, input=500.0, progress=True)",
        "got",
        "pool.metrics()",
        "system = MultiGPUNeuronSystem(30, devices='cpu')\nsystem",
        "system.run(steps=3)",
        "system.metrics()",
        "net.run(20.0, progress=True);",
        "pool.run(steps=300, input=500.0, progress='live');",
        "result.summary()",
    )
    text = cells[1][0]["text"]
    assert "memory:" in text and "lif" in text and "exc" in text
    found = [html(cell) for cell in cells]
    assert "E -&gt; E (exc)" in found[0] and "<table" in found[0] and "memory:" in found[0]
    assert [output.output_type for output in cells[0]] == ["execute_result"]
    assert found[2] == found[0] and "ExpCurrent" in found[3] and "FixedOutDegree" in found[4]
    assert "rate (Hz)" in found[5] and "64 values" in found[6] and "synapses" in found[7]
    assert "100 lif" in found[8] and "100 values" in found[9]
    assert "100% in" in found[10] and "<progress" in found[10]
    assert "spikes" in found[11] and "updates_per_second" in found[12]
    assert "adex" in found[13] and "izhikevich" in found[14] and "total" in found[15]
    assert "100% in" in found[16] and "100%" in found[17] and "cpu" in found[17]
    assert "rate (Hz)" in str(cells[18])
    errors = [output["text"] for cell in cells for output in cell if output.get("name") == "stderr"]
    assert all("compiling" in text for text in errors)
