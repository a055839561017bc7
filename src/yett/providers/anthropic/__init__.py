"""Anthropic: the model API that Claude Code and others think with, and its login endpoint. Data only."""
