"""Keys of tunnels, passwords of networks and remote desktops."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from yett.inventory.formats.obfuscations import _VNC

Parsed = Callable[..., list]
Made = Callable[..., str]


@pytest.mark.parametrize(
    ("path", "text", "account"),
    [
        ("etc/wpa_supplicant.conf", 'network={\n\tssid="home"\n\tpsk="§"\n}\n', "home"),
        ("etc/wpa_supplicant.conf", 'network={\n ssid="work"\n identity="me"\n password="§"\n}\n', "me@work"),
        ("etc/NetworkManager/system-connections/home.nmconnection", "[wifi]\nssid=home\n[wifi-security]\npsk=§\n", ""),
        ("var/lib/iwd/home.psk", "[Security]\nPassphrase=§\n", ""),
        ("etc/hostapd.conf", "ssid=x\nwpa_passphrase=§\n", ""),
        ("etc/ppp/chap-secrets", '# c\n"me" * "§" *\n', "me@*"),
        ("etc/ipsec.secrets", '%any h.io : PSK "§"\n', "%any h.io "),
        ("etc/openfortivpn/config", "host = h.io\nusername = me\npassword = §\n", "me@h.io"),
        ("p/openvpn/auth.txt", "me\n§\n", "me"),
        ("p/x.rdp", "username:s:me\ngatewaypassword:s:§\n", ""),
    ],
)
def test_a_password(path: str, text: str, account: str, parsed: Parsed, made: Made) -> None:
    secret = made(16)
    [found] = parsed(path, text.replace("§", secret))
    assert (found.raw, found.account) == (secret, account)


def test_wireguard(parsed: Parsed) -> None:
    rng = random.Random(4)
    key, other = (base64.b64encode(rng.randbytes(32)).decode() for _ in range(2))
    text = f"[Interface]\nPrivateKey = {key}\n[Peer]\nPublicKey = {other}\nPresharedKey={other}\n"
    assert [each.raw for each in parsed("etc/wireguard/wg0.conf", text)] == [key, other]


def test_openvpn_profiles_hold_keys(parsed: Parsed, made: Made) -> None:
    body = "\n".join(made(64) for _ in range(5))
    dashes = "-" * 5
    pem = f"{dashes}BEGIN PRIVATE KEY{dashes}\n{body}\n{dashes}END PRIVATE KEY{dashes}"
    secret = made()
    text = f"client\nremote h.io 1194\n<ca>\n{pem.replace('PRIVATE KEY', 'CERTIFICATE')}\n</ca>\n<key>\n{pem}\n</key>\n"
    text += f"<auth-user-pass>\nme\n{secret}\n</auth-user-pass>\n"
    found = parsed("h/x.ovpn", text)
    assert [(each.raw, each.account) for each in found] == [(pem, "h.io"), (secret, "me@h.io")]


def test_vnc(parsed: Parsed, made: Made) -> None:
    secret = made(8)
    encryptor = Cipher(TripleDES(_VNC * 3), modes.ECB()).encryptor()
    hidden = encryptor.update(secret.encode()) + encryptor.finalize()
    [found] = parsed("h/.vnc/passwd", hidden)
    assert (found.value, found.hit.end) == (secret, 8)
    [found] = parsed("h/x.vnc", f"[Connection]\nHost=h.io\nPassword={hidden.hex()}\n")
    assert (found.value, found.raw, found.account) == (secret, hidden.hex(), "h.io")
    assert parsed("h/.vnc/passwd", b"\xff" * 8) == []


def test_a_keytab_is_found_as_a_whole(parsed: Parsed, made: Made) -> None:
    [found] = parsed("etc/krb5.keytab", b"\x05\x02" + made(80).encode())
    assert found.hit.title == "Kerberos keytab"
