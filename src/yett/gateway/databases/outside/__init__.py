"""What no transaction takes: run once a person has let it, by a role made for it alone."""
