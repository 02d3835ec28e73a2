"""Models named on the command line: built in, or a class in the user's own file."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from spikecuda.errors import ModelError, SpikecudaValueError, nearest

if TYPE_CHECKING:
    from spikecuda.models import Model


def find_model(text: str) -> "type[Model]":
    """Return the model for ``lif`` or ``path/to/file.py:ClassName``.

    Raises:
        SpikecudaValueError: no such model, file or class.
        ModelError: the file's code fails.
    """
    from spikecuda.models import Model, as_model

    path, colon, name = text.rpartition(":")
    if text.endswith(".py") and not path.endswith(".py"):
        path, colon, name = text, "", ""
    if not path.endswith(".py"):
        return as_model(text)
    if "\0" in path:
        raise SpikecudaValueError(f"a model file's name must hold no NUL byte (got {path!r:.80})")
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise SpikecudaValueError(f"no such model file: {path}")
    module = _load(file)
    classes = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Model) and value is not Model
        and value.__module__ == module.__name__
    }  # fmt: skip
    if not classes:
        raise SpikecudaValueError(f"{path} defines no subclass of spikecuda.Model; add one")
    if not colon and len(classes) == 1:
        return next(iter(classes.values()))
    if name not in classes:
        raise SpikecudaValueError(
            f"{path} defines {', '.join(classes)} (got {name!r}){nearest(name, list(classes))}; "
            f"write {path}:{next(iter(classes))}"
        )
    return classes[name]


def _load(file: Path):  # type: ignore[no-untyped-def]
    """Return the module of a file, imported once."""
    key = f"spikecuda_user_{file.stem}_{abs(hash(str(file))):x}"
    if key in sys.modules:
        return sys.modules[key]
    spec = importlib.util.spec_from_file_location(key, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module
    # A model's file may import others that lie beside it.
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[key]
        if isinstance(error, SpikecudaValueError):
            raise
        raise ModelError(f"{file.name} fails: {type(error).__name__}: {error}") from error
    except BaseException:
        del sys.modules[key]
        raise
    finally:
        sys.path.remove(str(file.parent))
    return module
