"""The inventory that the daemon keeps: which credentials were seen where, who answers for them, which are accepted.

Every look at a workspace is merged into it, and what is gone is marked. It knows fingerprints and places, never a
value; an acceptance is a person's signature, has an end, and no file of a workspace can make one (laws 8 and 9).
"""
