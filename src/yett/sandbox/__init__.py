"""Run an agent on Linux with the gateway as its only way out: `yett run [options] -- command`.

Promises: the command lives in a network namespace where nothing but a pool of fake addresses is routed, and every
listener on those addresses belongs to the daemon; it sees a composed file system (toolchains read-only, the workspace
read-write, its own HOME, found secrets masked); system calls that could leave are refused; when the supervisor dies,
everything inside dies; ordinary work (git, editors, job control, servers on 127.0.0.1) goes on.

Will not: decide, hold or log anything (the daemon does), or start weaker than promised: a missing kernel feature is a
refusal that says what mends it. Everything on the way from `yett run` to the command is standard library and imported
late, because people wait for it.
"""
