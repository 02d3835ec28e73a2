"""The exceptions that spikecuda raises on purpose.

Every message names the field, the requirement, the value got and the remedy:
``tau_m must be > 0 ms (got -5.0)``.  Each class also derives from the built-in exception that a
caller would expect, so ``except ValueError`` keeps working.
"""


class SpikecudaError(Exception):
    """Base class of all errors that spikecuda raises on purpose."""


class SpikecudaValueError(SpikecudaError, ValueError):
    """An argument has the right type but a value that cannot be used."""


class SpikecudaTypeError(SpikecudaError, TypeError):
    """An argument has a type that cannot be used."""


class SpikecudaAttributeError(SpikecudaError, AttributeError, TypeError, ValueError):
    """An attribute does not exist or cannot be assigned; the message says what to do instead."""


class SpikecudaKeyError(SpikecudaError, KeyError, ValueError):
    """There is nothing with the given name; the message lists the names that exist."""

    __str__ = Exception.__str__  # KeyError would show the message's repr


class SpikecudaIndexError(SpikecudaError, IndexError, ValueError):
    """There is nothing with the given number; the message says which numbers there are."""


class ModelError(SpikecudaValueError):
    """A model's definition does something that a kernel cannot do; the message names the line."""


class DeviceError(SpikecudaError, RuntimeError):
    """A device is missing, unusable or failed; the message says what to install or choose."""


class MissingPackageError(DeviceError, ImportError):
    """A feature needs a package that is not installed; the message names the extra."""


class OutOfMemoryError(SpikecudaError, MemoryError, ValueError):
    """A request does not fit in memory; raised before allocation if the size is known."""


class NumericalError(SpikecudaError, FloatingPointError, ValueError):
    """A state became NaN or infinite, or left the range of its precision."""


class ClosedError(SpikecudaError, RuntimeError, ValueError):
    """The object was closed and its memory freed."""


def shown(value: object) -> str:
    """Return what an error shows of a value: one line, 80 characters."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"{type(value).__name__}, whose repr fails with {type(error).__name__}"
    return " ".join(text.split())[:80]


def nearest(name: str, known: "list[str] | tuple[str, ...]") -> str:
    """Return ``"; did you mean 'x'?"`` for the known name closest to ``name``, or ``""``."""
    import difflib

    lower = {k.lower(): k for k in known}
    match = difflib.get_close_matches(str(name).lower(), list(lower), n=1, cutoff=0.5)
    return f"; did you mean {lower[match[0]]!r}?" if match else ""
