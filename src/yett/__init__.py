"""Yett: a gate between AI agents and everything that they can break.

The folders are floors, from the ground up: model, store, ledger, providers, operations, inventory, policy, broker,
recovery, approvals, checkpoint, sandbox, gateway, drills, console, daemon, cli. A lower floor never imports a higher
one; `lab` stands beside them. See docs/architecture.md.
"""

__version__ = "0.1.0"
