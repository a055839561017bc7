"""What the wires of databases are answered with: which database, whose lease, what a statement would do and did."""
