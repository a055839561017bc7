"""Which credentials an agent started here could use: find, identify, and say what they can really do.

`scan_workspace` reads files, git objects, variables and the places that clients use; a finding holds its value in
memory only. `authority` asks its provider what it can really do, `blast` says what dies with it and how far that
goes beyond its purpose, `report` and `drawing` show both.

It promises to be read-only, quick, and silent about values. It will not decide anything: masking and refusing are the
broker's and the sandbox's. It does not read archives, files over 2 MB, UTF-16, installed packages or old transcripts.
"""

from yett.inventory.finding import Finding
from yett.inventory.scan import scan_workspace

__all__ = ["Finding", "scan_workspace"]
