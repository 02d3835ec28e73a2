"""The Python examples of docs/inspection.md run from top to bottom as they stand."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "inspection.md"


def test_examples_run(tmp_path, capsys):
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) == 3
    # A file, because Numba asks for the source of the kernel that is defined there.
    script = tmp_path / "examples.py"
    script.write_text("\n".join(examples))
    exec(compile(script.read_text(), str(script), "exec"), {"__name__": "examples"})
    text = capsys.readouterr().out
    assert "0 bytes of local memory" in text
    assert "predicted: at most" in text
    assert "broken for 9.0, no_double" in text
    assert "lanes 128 bytes apart" in text


def test_tables_of_the_page_are_those_of_the_code():
    from spikecuda.inspection.gpus import GPUS
    from spikecuda.inspection.pipes import RESOURCES

    page = PAGE.read_text()
    for gpu in GPUS:
        figures = (gpu.multiprocessors, gpu.clock, gpu.bandwidth, gpu.l2)
        row = f"| {gpu.name} | {gpu.cc[0]}.{gpu.cc[1]} | " + " | ".join(f"{x:g}" for x in figures)
        assert row in page
    rows = {
        "FP32 (with integer multiplication)": "FP32",
        "integer multiplication": "integer multiply",
        "FP64": "FP64",
        "FP16, instructions of two results": "FP16",
        "XU: reciprocal square root and the like": "XU",
        "load/store": "load/store",
    }
    for title, resource in rows.items():
        lanes = [next(r.lanes for r in parts if r.name == resource) for parts in RESOURCES.values()]
        assert f"| {title} | {' | '.join(map(str, lanes))} |" in page
