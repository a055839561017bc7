"""The checkpoint: the one place that every operation of every wire passes.

    lockdown -> resolve -> decide -> hold -> undo -> record -> release

A wire hands in an `Attempt` and gets a `Pass` back, or a `Refused` that carries the reason and the way to ask. A pass
for a write or worse exists only after its intent is durable in the ledger (law 2); an approval is consumed in that same
transaction; `finish` records what became of it. No wire decides, logs or holds by itself.

It promises: no policy, store, ledger or provider answer, no pass. It will not retry, remember a verdict for a write, or
take anything that the agent says as evidence.
"""
