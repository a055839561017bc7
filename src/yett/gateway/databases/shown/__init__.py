"""What a person is shown beside a statement: its tables, how many rows, the backups that are left."""
