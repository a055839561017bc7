"""git hooks that scan what is committed and pushed: written beside whatever hook is there, and taken out again.

`install` and `uninstall` act on one repository or on all of the person's. They promise that an existing hook is kept
and still runs, that nothing but marked lines is ever written or removed, and that a scanner which is gone stops the
commit with the words how to go on: silence would look like a clean scan.

A hook is advice to whoever commits: `git commit --no-verify` passes it, and so can an agent. A pipeline cannot be
passed.
"""

from __future__ import annotations

from yett.inventory.hooks.install import install, install_for_all, uninstall, uninstall_for_all

__all__ = ["install", "install_for_all", "uninstall", "uninstall_for_all"]
