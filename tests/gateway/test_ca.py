"""The gate's authority: one a home, its key for nobody else; leaves for one name, for days."""

from __future__ import annotations

import os
import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store

from yett.gateway.ca import Leaves, open_authority
from yett.model.errors import ConfigurationError


def leaf(authority, name="api.test"):
    return authority.issue(name, ec.generate_private_key(ec.SECP256R1()))


def test_a_home_keeps_its_authority(tmp_path):
    first, again = open_authority(tmp_path / "ca"), open_authority(tmp_path / "ca")
    assert first.certificate == again.certificate
    assert open_authority(tmp_path / "other").certificate != first.certificate


def test_only_the_owner_reads_the_key(tmp_path):
    open_authority(tmp_path / "ca")
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "ca" / "key.pem").stat().st_mode) == 0o600


def test_a_key_that_others_may_read_is_refused(tmp_path):
    open_authority(tmp_path)
    (tmp_path / "key.pem").chmod(0o640)
    with pytest.raises(ConfigurationError, match="others"):
        open_authority(tmp_path)


def test_a_broken_or_foreign_key_is_refused(tmp_path):
    open_authority(tmp_path / "a")
    open_authority(tmp_path / "b")
    (tmp_path / "a" / "key.pem").write_bytes((tmp_path / "b" / "key.pem").read_bytes())
    with pytest.raises(ConfigurationError):
        open_authority(tmp_path / "a")
    (tmp_path / "b" / "key.pem").write_bytes(b"nonsense")
    with pytest.raises(ConfigurationError):
        open_authority(tmp_path / "b")


def test_an_authority_that_ends_soon_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr("yett.gateway.ca.AUTHORITY_LIFE", timedelta(days=10))
    first = open_authority(tmp_path)
    monkeypatch.undo()
    assert open_authority(tmp_path).certificate != first.certificate


def test_a_leaf_verifies_for_its_name_only(tmp_path):
    authority = open_authority(tmp_path)
    verifier = PolicyBuilder().store(Store([authority.certificate]))
    verifier.build_server_verifier(x509.DNSName("api.test")).verify(leaf(authority), [])
    with pytest.raises(x509.verification.VerificationError):
        verifier.build_server_verifier(x509.DNSName("other.test")).verify(leaf(authority), [])


def test_a_leaf_is_no_authority_and_lives_for_days(tmp_path):
    certificate = leaf(open_authority(tmp_path))
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_after_utc - datetime.now(UTC) < timedelta(days=7)


def test_contexts_are_cached_up_to_a_bound(tmp_path):
    leaves = Leaves(open_authority(tmp_path), size=2)
    first = leaves.context("a.test")
    assert leaves.context("a.test") is first
    leaves.context("b.test")
    leaves.context("a.test")
    leaves.context("c.test")
    assert leaves.context("a.test") is first


def test_an_old_context_is_minted_again(tmp_path):
    leaves = Leaves(open_authority(tmp_path), life=timedelta(0))
    assert leaves.context("a.test") is not leaves.context("a.test")


def test_no_leaf_key_touches_a_disk(tmp_path, monkeypatch):
    leaves = Leaves(open_authority(tmp_path))
    opened = []
    monkeypatch.setattr(os, "open", lambda *a, **k: opened.append(a))
    leaves.context("a.test")
    assert opened == []


def test_the_bundle_holds_the_systems_roots_and_ours(tmp_path):
    authority = open_authority(tmp_path)
    roots = open_authority(tmp_path / "system").pem
    context = ssl.create_default_context(cadata=authority.bundle(roots).decode())
    assert len(context.get_ca_certs()) == 2
    assert authority.bundle().count(b"BEGIN CERTIFICATE") > 1
