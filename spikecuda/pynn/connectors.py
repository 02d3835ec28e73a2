"""PyNN's connectors; those that go by maps also work with a single source."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from pyNN import connectors
from pyNN.connectors import (
    FixedNumberPostConnector,
    FixedNumberPreConnector,
    FixedTotalNumberConnector,
    FromFileConnector,
    FromListConnector,
    SmallWorldConnector,
)


class _Mapped:
    """A column of a map of one source is an array here, which NumPy 2 does not give PyNN."""

    def _standard_connect(
        self,
        projection: Any,
        connection_map_generator: Callable[..., Any],
        distance_map: Any = None,
    ) -> None:
        def columns(*arguments: Any) -> Iterator[Any]:
            for column in connection_map_generator(*arguments):
                yield column if column is True else np.atleast_1d(column)

        base: Any = super()
        base._standard_connect(projection, columns, distance_map)


class AllToAllConnector(_Mapped, connectors.AllToAllConnector):
    __doc__ = connectors.AllToAllConnector.__doc__


class ArrayConnector(_Mapped, connectors.ArrayConnector):
    __doc__ = connectors.ArrayConnector.__doc__


class CloneConnector(_Mapped, connectors.CloneConnector):
    __doc__ = connectors.CloneConnector.__doc__


class CSAConnector(_Mapped, connectors.CSAConnector):
    __doc__ = connectors.CSAConnector.__doc__


class DisplacementDependentProbabilityConnector(
    _Mapped, connectors.DisplacementDependentProbabilityConnector
):
    __doc__ = connectors.DisplacementDependentProbabilityConnector.__doc__


class DistanceDependentProbabilityConnector(
    _Mapped, connectors.DistanceDependentProbabilityConnector
):
    __doc__ = connectors.DistanceDependentProbabilityConnector.__doc__


class FixedProbabilityConnector(_Mapped, connectors.FixedProbabilityConnector):
    __doc__ = connectors.FixedProbabilityConnector.__doc__


class IndexBasedProbabilityConnector(_Mapped, connectors.IndexBasedProbabilityConnector):
    __doc__ = connectors.IndexBasedProbabilityConnector.__doc__


class OneToOneConnector(_Mapped, connectors.OneToOneConnector):
    __doc__ = connectors.OneToOneConnector.__doc__


__all__ = [
    "AllToAllConnector",
    "ArrayConnector",
    "CSAConnector",
    "CloneConnector",
    "DisplacementDependentProbabilityConnector",
    "DistanceDependentProbabilityConnector",
    "FixedNumberPostConnector",
    "FixedNumberPreConnector",
    "FixedProbabilityConnector",
    "FixedTotalNumberConnector",
    "FromFileConnector",
    "FromListConnector",
    "IndexBasedProbabilityConnector",
    "OneToOneConnector",
    "SmallWorldConnector",
]
