"""The undo of what an agent did: kept before the act is final, settled after a crash, brought back at one command."""
