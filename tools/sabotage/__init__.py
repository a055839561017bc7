"""Break each law once, and demand that the tests notice: `python -m tools.sabotage [WORD ...]`.

A sabotage (sabotages.toml) is a small textual change to one file of a copy of `src`, and the tests that must go red for
it. A sabotage that the tests survive is a law that nobody guards: exit status 1. So is one whose text no longer stands
in the source exactly once, and one whose tests are red without it.

It promises to leave the working tree alone: everything happens in a temporary copy, put before `src` by PYTHONPATH.
It will not judge how good a test is, only whether it sees this one blow.
"""
