"""How the tests say which refusal they expect."""

from __future__ import annotations

import pytest

from yett.approvals.errors import ApprovalError


def refused(code: str) -> pytest.RaisesExc[ApprovalError]:
    """Expect an ApprovalError of that code."""
    return pytest.RaisesExc(ApprovalError, check=lambda error: error.code == code)
