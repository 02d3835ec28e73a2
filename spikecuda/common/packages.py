"""Packages that only some features need."""

import importlib
from typing import Any

from spikecuda.errors import MissingPackageError


def need(package: str, extra: str, what: str) -> Any:
    """Return a package that a feature needs.

    Args:
        package: its name, as it is imported.
        extra: of spikecuda that installs it.
        what: the feature, for the message.

    Raises:
        MissingPackageError: it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"{what} needs the package {package.partition('.')[0]}; install it with: "
            f'pip install "spikecuda[{extra}]"'
        ) from error
