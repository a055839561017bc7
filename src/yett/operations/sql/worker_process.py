"""What runs in the worker: parse what comes, answer, or die. Started by path; imports nothing but the grammar."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import resource
import struct
import sys
import threading
from typing import Any


def main() -> None:
    """Serve requests on stdin until it closes. Arguments: path of the shared object, memory bytes, stack bytes."""
    library, memory, stack = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    module = _load_grammar()
    grammar = module.Grammar(library)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory + stack, memory + stack))
    threading.stack_size(stack)
    thread = threading.Thread(target=_serve, args=(grammar, module.GrammarError))
    thread.start()
    thread.join()


def _load_grammar() -> Any:
    """`grammar.py` from beside this file. Any: a module."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "grammar.py")
    spec = importlib.util.spec_from_file_location("grammar", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _serve(grammar: Any, error: type[Exception]) -> None:
    head = struct.Struct("!cBI")
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while len(first := source.read(head.size)) == head.size:
        task, mode, length = head.unpack(first)
        text = source.read(length)
        try:
            tag, answer = b"+", _answer(grammar, task, text, mode)
        except error as refused:
            tag, answer = b"-", str(refused).encode()
        sink.write(tag + struct.pack("!I", len(answer)) + answer)
        sink.flush()


# Between quotes JSON escapes every quote: neither pattern can begin inside a string.
_CONSTANT = re.compile(
    rb'\{"A_Const":\{(?:"ival":\{(?:"ival":-?\d+)?\}|"fval":\{"fval":"[^"]*"\}'
    rb'|"sval":\{(?:"sval":"(?:[^"\\]|\\.)*")?\}|"boolval":\{(?:"boolval":true)?\}|"isnull":true)'
    rb'(?:,"location":\d+)?\}\}'
)
_LOCATION = re.compile(rb',"location":\d+')


def _answer(grammar: Any, task: bytes, text: bytes, mode: int) -> bytes:
    if task == b"p":
        return _smaller(bytes(grammar.parse(text, mode)))
    if task == b"s":
        return json.dumps(grammar.split(text)).encode()
    return bytes(grammar.body(text))


def _smaller(tree: bytes) -> bytes:
    """Constants become 0 and positions go: decoding holds up the parent's threads, and large texts are mostly these."""
    return _LOCATION.sub(b"", _CONSTANT.sub(b"0", tree))


if __name__ == "__main__":
    main()
