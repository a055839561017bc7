"""What a task may do to a database, what people allowed it beyond, and what it has had of that so far."""
