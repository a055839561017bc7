"""The scripted agent: what a coding agent did in the founding incident, and a long list of what a hostile one may try.

Standard library, curl and git only; it runs from its folder wherever that is copied (`python3 agent/rogue.py`). What it
has to know of a guard (names of commands, paths, ports) comes in a file of targets; it knows no guard by itself.
"""
