"""Which credentials an agent started here could use: find, identify, and say what they can really do.

`scan_workspace` reads files, git objects, variables and the places that clients use; a finding holds its value in
memory only. It promises to be read-only, quick, and silent about values. It will not decide anything: masking and
refusing are the broker's and the sandbox's.
"""

from yett.inventory.finding import Finding
from yett.inventory.scan import scan_workspace

__all__ = ["Finding", "scan_workspace"]
