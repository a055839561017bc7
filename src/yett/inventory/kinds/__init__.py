"""The kinds of credential that a scan knows by their form or by the name they stand under: data, one file a field.

Each names the provider's own page that it was written from, and carries true and false examples, which are tests. A
provider that Yett can do more with has a room of its own under `yett.providers`, and its kinds live there.
"""

from yett.inventory.kinds.rule import LiveCall, Rule, load_rules

__all__ = ["LiveCall", "Rule", "load_rules"]
