"""OpenAI: the model APIs that Codex and others think with, and their login endpoint. Data only."""
