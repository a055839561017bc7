"""From an agent's statements to the attempts that the checkpoint decides."""
