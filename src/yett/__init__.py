"""Yett: a gate between AI agents and everything that they can break.

The folders are the stages of one request, from the ground up: model, store, ledger, providers, operations, inventory,
graph, policy, broker, recovery, approvals, checkpoint, gateway, sandbox, console, daemon, cli. A lower floor never
imports a higher one. See docs/architecture.md.
"""

__version__ = "0.1.0"
