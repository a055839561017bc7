"""Whole tables, with their definitions and what hangs on them: dumped under lock, and made anew."""
