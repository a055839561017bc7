"""Operation + context -> Decision, with Cedar.

    policies = load_policies(folder, workspace=..., signed=...)
    policies.decide(Question(...))       # model.decision.Decision
    policies.explain(Question(...))      # why, and what would change it, in words

For: one policy over every wire, readable by people, told in words. Layers (layers.py) are floor, base, widen, narrow; a
policy in the wrong one is refused at load, as is anything that does not fit the schema strictly.
It promises: `decide` never raises, never touches disk or network, and answers deny with an alarm to whatever it cannot
evaluate; slices and cache change no answer (reference.py is the plain way that tests compare with); a workspace can
only narrow; nothing widens without a signature.
It will not look up facts (place, irreversibility, grants and budgets come in as context), hold, count, or remember.
"""

from yett.policy.answer import strictest
from yett.policy.check import Problem, check
from yett.policy.engine import Policies
from yett.policy.errors import PolicyError
from yett.policy.explain import Explanation
from yett.policy.folder import load_policies
from yett.policy.layers import Layer, LayerKind, default_layers, file_digest
from yett.policy.question import Context, Question, TaskState

__all__ = [
    "Context",
    "Explanation",
    "Layer",
    "LayerKind",
    "Policies",
    "PolicyError",
    "Problem",
    "Question",
    "TaskState",
    "check",
    "default_layers",
    "file_digest",
    "load_policies",
    "strictest",
]
