"""Addresses: never this machine, never a metadata service, however they are wrapped (law 11)."""

from __future__ import annotations

import pytest

from yett.gateway.addresses import forbidden, is_own


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "169.254.170.2",
        "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "ff02::1", "fd00:ec2::254",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1",
        "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_an_address_that_leads_inside_is_forbidden(address):
    assert forbidden(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "10.20.30.40", "192.168.77.9", "2606:4700::1111", "2002:808:808::"])
def test_a_host_elsewhere_may_be_dialled(address):
    assert forbidden(address) == ""


def test_the_kernel_knows_which_addresses_are_ours():
    assert is_own("127.0.0.1")
    assert not is_own("8.8.8.8")
