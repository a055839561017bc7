"""The texts inside archives, images, databases and notebooks, for the scan to look into.

`is_container` tells from a name and the first bytes whether there is anything to unpack, so that a plain file costs
nothing; `texts_of` then gives every text in it, one at a time, and reports what it could not read.

It promises: nothing is written to disk, nothing is run, one member is in memory at a time, and a hostile archive costs
no more than its `Limits`, whatever its headers say. A member's name is for people, never a path to open.

It does not read 7z, RAR and RPM, encrypted members, PDF, mail, the stores in which browsers keep cookies and logins,
deleted rows of a database, and packages that an installer put into an archive (node_modules, site-packages).
"""

from yett.inventory.unpack.budget import Limits
from yett.inventory.unpack.kinds import HEAD, is_container
from yett.inventory.unpack.member import Text
from yett.inventory.unpack.walk import texts_of

__all__ = ["HEAD", "Limits", "Text", "is_container", "texts_of"]
