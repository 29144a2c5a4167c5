"""onnxruntime, silent: since 1.29 its builds send usage to their maker, from threads of their own, unless told not to.

It reads the variable when it is loaded (its Privacy.md), so whoever needs it imports it from here.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
