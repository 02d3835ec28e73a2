"""Objects that are closed, at the end of a ``with`` block if they are used in one."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Base of objects with memory or threads that are to be given back."""

    @abstractmethod
    def _require_open(self) -> None:
        """Raise ClosedError if it is closed."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back; closing twice does nothing."""

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
