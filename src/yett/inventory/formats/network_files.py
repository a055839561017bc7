"""Keys and passwords of networks: VPN, WLAN, PPP, remote desktops."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import ini_entries, lines
from yett.inventory.formats.line_format import line_format
from yett.inventory.formats.named_format import named_format
from yett.inventory.formats.obfuscations import vnc
from yett.inventory.formats.parser import hits
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.word import Found
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

_INLINE = re.compile(
    rb"<(?P<tag>key|tls-auth|tls-crypt|tls-crypt-v2|secret|pkcs12|auth-user-pass)>\s{0,20}(?P<body>[^<]{8,20000}?)\s{0,20}</(?P=tag)>"
)
_PEM = re.compile(
    rb"-----BEGIN [A-Z0-9 ]{0,40}(?:KEY|V1)[A-Z0-9 ]{0,20}-----[^-]{20,20000}-----END [A-Z0-9 ]{0,60}-----"
)
_NETWORK = re.compile(
    rb"(?P<key>ssid|identity|psk|password|wep_key\d|private_key_passwd|sae_password|pin)\s{0,8}=\s{0,8}(?P<quote>\"?)(?P<value>[^\"\r\n#]{1,300})"
)
_VNC_FILE = re.compile(rb"(?im)^\s{0,20}password\s{0,8}=\s{0,8}(?P<secret>[0-9a-f]{16})\s{0,4}$")


def _openvpn(content: bytes) -> Iterator[Hit]:
    """The key within a profile: whoever has it is that client. A key in a file of its own is that file's finding."""
    found = _openvpn_found(content)
    yield from hits(found, "openvpn", "key in an OpenVPN profile", identity="certificate")


def _openvpn_found(content: bytes) -> Iterator[Found]:
    remote = re.search(rb"(?m)^remote[ \t]{1,20}(\S{1,200})", content)
    host = remote[1].decode("utf-8", "replace") if remote else ""
    for found in _INLINE.finditer(content):
        start, end = found.span("body")
        if found["tag"] == b"auth-user-pass":
            user, _, password = found["body"].partition(b"\n")
            if password.strip() and not is_placeholder(password):
                at = end - len(password.lstrip())
                yield (
                    Entry(("password",), password.strip().decode("utf-8", "replace"), at, end),
                    account_at(user.strip().decode("utf-8", "replace"), host),
                )
        elif _PEM.search(found["body"]) or found["tag"] == b"pkcs12":
            pem = _PEM.search(content, start, end)
            span = pem.span() if pem else (start, end)
            yield Entry((found["tag"].decode(),), content[slice(*span)].decode("utf-8", "replace"), *span), host


def _user_and_password(content: bytes) -> Iterator[Hit]:
    """auth-user-pass: the user in the first line, the password in the second."""
    spans = [(start, end) for start, end in lines(content[:2_000]) if content[start:end].strip()]
    if len(spans) in (2, 3):
        (first, first_end), (start, end) = spans[:2]
        entry = Entry(("password",), content[start:end].decode("utf-8", "replace"), start, end)
        if entry.is_real and b" " not in content[start:end].strip():
            user = content[first:first_end].decode("utf-8", "replace")
            yield from hits([(entry, user)], "openvpn-login", "password of an OpenVPN login")


def _wpa(content: bytes) -> Iterator[Entry]:
    """network={ ssid="x" psk="y" }; 64 hexadecimal digits are the key that the password makes, and as good."""
    block = 0
    for start, end in lines(content):
        line = content[start:end]
        block += b"network" in line and b"{" in line
        if (found := _NETWORK.match(line.lstrip())) is not None:
            at = start + len(line) - len(line.lstrip()) + found.start("value")
            value = found["value"].rstrip()
            key = {"ssid": "host", "identity": "user"}.get(found["key"].decode(), found["key"].decode())
            yield Entry((f"#{block}", key), value.decode("utf-8", "replace"), at, at + len(value))


def _vnc(content: bytes) -> Iterator[Hit]:
    """Up to three passwords of 8 bytes (to control, to look, of the file)."""
    yield from hits(_vnc_found(content), "vnc", "password of VNC")


def _vnc_found(content: bytes) -> Iterator[Found]:
    if len(content) in (8, 16, 24):
        for at in range(0, len(content), 8):
            plain = vnc(content[at : at + 8])
            if plain and not is_placeholder(plain):
                yield Entry(("password",), plain.decode(), at, at + 8, plain), ""


def _vnc_profile(content: bytes) -> Iterator[Hit]:
    """A viewer's .vnc file."""
    host = re.search(rb"(?im)^\s{0,20}(?:host|serverhost)\s{0,8}=\s{0,8}(\S{1,200})", content)
    account = host[1].decode("utf-8", "replace") if host else ""
    found = [(match, vnc(bytes.fromhex(match["secret"].decode()))) for match in _VNC_FILE.finditer(content)]
    entries = (
        (Entry(("password",), plain.decode(), *match.span("secret"), plain), account) for match, plain in found if plain
    )
    yield from hits(entries, "vnc-profile", "password in a VNC profile")


def _keytab(content: bytes) -> Iterator[Hit]:
    """Its keys are as good as the principal's password; which bytes they are is not taken apart (format 0x0502)."""
    if content[:2] in (b"\x05\x02", b"\x05\x01") and 20 < len(content) < 1_000_000:
        entry = Entry(("keytab",), "keytab", 2, len(content))
        yield entry.hit("keytab", "Kerberos keytab", identity="certificate", severity=Severity.HIGH)


FORMATS = (
    Format(
        "openvpn",
        "key in an OpenVPN profile",
        "certificate",
        _openvpn,
        ("*.ovpn",),
        ("openvpn/*.conf", "openvpn/client/*.conf", "openvpn/server/*.conf"),
        ("~/*.ovpn", "~/.config/openvpn/*.ovpn", "~/Downloads/*.ovpn", "~/.openvpn/*.ovpn"),
    ),
    Format(
        "openvpn-login",
        "password of an OpenVPN login",
        "password",
        _user_and_password,
        (
            "auth.txt",
            "openvpn-auth.txt",
            "auth-user-pass.txt",
            "vpn-auth.txt",
            "vpn.auth",
            "openvpn.auth",
            "openvpn.pass",
        ),
        ("openvpn/login.conf", "openvpn/auth.conf", "openvpn/credentials", "openvpn/client/auth"),
    ),
    named_format(
        "wpa-supplicant",
        "password of a WLAN",
        _wpa,
        names=("wpa_supplicant.conf", "wpa_supplicant-*.conf"),
        also=("psk", "sae_password", "wep_key0", "private_key_passwd"),
        sniff=rb"network=\{[\r\n]{1,2}[ \t]{1,8}ssid=",
    ),
    named_format(
        "network-manager",
        "password of a network",
        ini_entries,
        names=("*.nmconnection",),
        paths=("system-connections/*",),
        also=(
            "psk",
            "password",
            "wep-key0",
            "private-key-password",
            "leap-password",
            "private-key",
            "preshared-key",
            "pin",
        ),
    ),
    named_format(
        "iwd",
        "password of a WLAN",
        ini_entries,
        paths=("lib/iwd/*.psk", "lib/iwd/*.8021x"),
        names=("*.psk",),
        also=("passphrase", "presharedkey"),
    ),
    line_format(
        "hostapd",
        "password of a WLAN",
        rb"\s{0,20}(?:wpa_passphrase|wpa_psk|sae_password)\s{0,4}=(?P<secret>[^\r\n]{8,100})",
        names=("hostapd.conf", "hostapd*.conf"),
    ),
    line_format(
        "wireguard",
        "key of a WireGuard tunnel",
        rb"(?i)\s{0,20}(?:PrivateKey|PresharedKey)\s{0,8}=\s{0,8}"
        rb"(?P<secret>[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)",
        names=("wg0.conf", "wg*.conf", "wireguard.conf", "wg-client*.conf"),
        paths=("wireguard/*.conf",),
        identity="certificate",
        sniff=rb"PrivateKey ?= ?[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=",
    ),
    line_format(
        "ppp",
        "password of a PPP account",
        rb"[\"']?(?P<user>[^\s\"'#]{1,100})[\"']?[ \t]{1,40}[\"']?(?P<host>[^\s\"']{1,100})[\"']?[ \t]{1,40}"
        rb"[\"']?(?P<secret>[^\s\"']{4,200})",
        names=("chap-secrets", "pap-secrets"),
    ),
    line_format(
        "ipsec",
        "key of an IPsec connection",
        rb"(?P<host>[^:#\r\n]{0,200}):\s{1,8}(?:PSK|XAUTH|EAP)\s{1,8}\"(?P<secret>[^\"\r\n]{1,500})\"",
        names=("ipsec.secrets", "*.ipsec.secrets"),
    ),
    named_format(
        "vpnc",
        "password of a VPN",
        lambda content: ini_entries(content),
        names=("*.pcf",),
        also=("grouppwd", "userpassword"),
    ),
    line_format(
        "vpnc-conf",
        "password of a VPN",
        rb"(?i)(?:IPSec secret|Xauth password)\s{1,8}(?P<secret>\S{1,200})",
        paths=("vpnc/*.conf",),
        names=("vpnc.conf",),
    ),
    named_format(
        "openconnect",
        "password of a VPN",
        ini_entries,
        names=("openfortivpn.conf", "openconnect.conf", "forticlient.conf"),
        paths=("openfortivpn/config",),
    ),
    Format(
        "vnc",
        "password of VNC",
        "password",
        _vnc,
        (),
        (".vnc/passwd", ".config/tigervnc/passwd", "etc/vnc/passwd", ".x11vnc/passwd"),
        ("~/.vnc/passwd", "~/.config/tigervnc/passwd", "~/.x11vnc/passwd"),
    ),
    Format(
        "vnc-profile",
        "password in a VNC profile",
        "password",
        _vnc_profile,
        ("*.vnc", "ultravnc.ini"),
        (),
        ("~/.vnc/*.vnc",),
    ),
    line_format(
        "rdp",
        "password in an RDP file",
        rb"(?i)(?:gatewaypassword:s:|cleartextpassword:s:|password:s:)(?P<secret>[^\r\n]{4,500})",
        names=("*.rdp",),
    ),
    Format("keytab", "Kerberos keytab", "certificate", _keytab, ("*.keytab", "krb5.keytab")),
)
