from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from law_fixtures import law_roots, laws, settled, upstream, world

__all__ = ["law_roots", "laws", "settled", "upstream", "world"]
