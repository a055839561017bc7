"""Find credentials in bytes: one pass of hyperscan says which rules are worth a look, confirmation says where and what.

`engine()` gives the detector of all rules, from a cache that is made once. It promises linear time, no I/O besides that
cache, and no value anywhere but in the hits. It knows nothing of files, git or providers' servers: that is `sources`'.
"""

from yett.inventory.engine.detector import Detector, engine
from yett.inventory.engine.screen import Sight

__all__ = ["Detector", "Sight", "engine"]
