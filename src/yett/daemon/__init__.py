"""The control plane in one process: every floor put together, its two sockets, and the life of a run.

`main.serve` is `yett up`. The operator socket takes the owner's commands and `yett run`; each session has an agent
socket of its own, and who speaks there is known by the listener it arrived on. It promises that a session ends with the
connection that opened it, and that nothing on the agent socket widens. It decides nothing: that is the checkpoint's.
"""
