"""Run the agent from its file: `python3 rogue.py incident` or `python3 rogue.py attempts --targets FILE`."""

import runpy
import sys
from pathlib import Path

# The folder above holds this package; last on the path, so that nothing there hides a module of the library.
HERE = Path(__file__).resolve().parent
sys.path = [*sys.path[1:], str(HERE.parent)]
runpy.run_module(HERE.name, run_name="__main__")
