"""The PostgreSQL wire: frames what an agent's client sends, asks what each statement would do, forwards or refuses."""
