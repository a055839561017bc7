"""Run the agent from its file: `python3 rogue.py incident` or `python3 rogue.py attempts --targets FILE --all`."""

import runpy
import sys
from pathlib import Path

# The folder above holds this package; last on the path, so that nothing there hides a module of the library.
sys.path = [*sys.path[1:], str(Path(__file__).resolve().parents[1])]
runpy.run_module("agent", run_name="__main__")
