"""An agent's transaction, guarded: measured in itself, decided at its COMMIT, and only then final."""
