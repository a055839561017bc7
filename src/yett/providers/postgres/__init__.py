"""What Yett knows of PostgreSQL as a thing to bring back: dump, restore beside, compare.

A logical dump over the data wire with whatever connection string a provider hands its customer. It promises that a dump
counts as verified only after it was restored into a scratch server of its own and every table, sequence and schema
object compared equal. It will not touch the server's files, and it never writes to the database it dumps.
"""
