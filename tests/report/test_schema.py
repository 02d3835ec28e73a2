"""report.json: the documented layout, and nothing else."""

import copy
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from spikecuda.errors import SpikecudaValueError
from spikecuda.report import machine, results
from spikecuda.report.schema import validate

DOCS = Path(__file__).parents[2] / "docs" / "report-schema.md"


@pytest.fixture
def data(made):
    return json.loads((made[2] / "report.json").read_text())


def test_json_matches_the_schema(data):
    validate(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema=0), "schema must be 3"),
        (lambda d: d.pop("scaling"), "report.scaling is missing"),
        (lambda d: d.update(more=1), "report.more is unknown"),
        (lambda d: d["scaling"][1].update(neurons=1.5), r"scaling\[1\].neurons must be a whole"),
        (
            lambda d: d["realtime"][0]["points"][0].update(factor="1"),
            r"points\[0\].factor must be a n",
        ),
        (lambda d: d["scaling"][0].update(best_rate=None), "best_rate must be a number"),
        (lambda d: d["scaling"][0].update(best_rate=True), "best_rate must be a number"),
        (lambda d: d["machine"]["versions"].update(numba=3), "versions.numba must be str"),
        (lambda d: d["accuracy"].append(3), "must be an object"),
        (lambda d: d.update(notes={}), "notes must be a list"),
        (lambda d: d.update(machine=[]), "machine must be an object"),
    ],
)
def test_a_wrong_layout_is_refused(data, change, message):
    wrong = copy.deepcopy(data)
    change(wrong)
    with pytest.raises(SpikecudaValueError, match=message):
        validate(wrong)


def test_nothing_is_allowed_where_it_was_not_measured(data):
    data["accuracy"][0]["rate_error"] = None
    data["machine"]["cuda_driver"] = None
    validate(data)


def test_every_field_is_documented():
    text = DOCS.read_text()
    assert f"schema {results.SCHEMA_VERSION}" in text
    words = set(re.findall(r"\w+", text))
    for kind in (
        results.Report, results.RealTimeResult, results.RealTimePoint,
        results.SpeedPoint, results.AccuracyPoint, results.MemoryPoint,
        results.MixedPoint, results.PartitionPoint,
        results.CompilePoint, results.StartupPoint, results.GalleryPoint, results.Skipped,
        results.ContextFigure, machine.Machine, machine.Gpu,
    ):  # fmt: skip
        for f in fields(kind):
            assert f.name in words, f"{kind.__name__}.{f.name} is not in docs/report-schema.md"
            assert f.name in (kind.__doc__ or ""), f"{kind.__name__}.{f.name} has no docstring"
