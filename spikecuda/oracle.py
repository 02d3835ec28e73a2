"""The check of a model against exact arithmetic; see ``spikecuda.verify.oracle``."""

from spikecuda.verify.oracle import check_model

__all__ = ["check_model"]
