"""WebAuthn verification (W3C Web Authentication Level 2, sections 7.1 and 7.2) with this house's fixed demands.

User verification always, RP ID and origin fixed, counter strictly rising where the key has one. No I/O: callers load
the key and write the new counter. Attestation is not asked for: a key is trusted because a person vouches for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from yett.approvals.challenge import RP_ID, Site
from yett.approvals.errors import NotSigned
from yett.model.canonical import Json

DRILL_AAGUID = "59455454-4452-494c-4c00-000000000001"
"""Of the drills' virtual authenticator ("YETT DRILL"): a program's key, which a real store never enrols."""

ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]

TIMEOUT_MS = 120_000

MAX_ASSERTION_BYTES = 8_000


@dataclass(frozen=True, slots=True)
class NewKey:
    """A public key as its authenticator registered it. `id` is the credential id in base64url."""

    id: str
    public_key: bytes
    sign_count: int
    aaguid: str


def _refuse_framed(credential: Mapping[str, Json]) -> None:
    """Refuse what was made in another origin's frame (Level 3: crossOrigin, topOrigin); py_webauthn does not look."""
    response = credential.get("response")
    encoded = response.get("clientDataJSON") if isinstance(response, Mapping) else None
    told = json.loads(base64url_to_bytes(encoded)) if isinstance(encoded, str) else None
    if not isinstance(told, dict):
        raise ValueError("clientDataJSON is not an object")
    if told.get("crossOrigin", False) is not False or "topOrigin" in told:
        raise ValueError("it was made inside another site's frame")


def registration_options(site: Site, challenge: bytes, name: str, exclude: Sequence[str]) -> dict[str, Json]:
    """What `navigator.credentials.create()` is to be called with."""
    options = generate_registration_options(
        rp_id=RP_ID,
        rp_name=f"Yett{' drill' if site.drill else ''}",
        user_name=name,
        user_id=challenge,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        supported_pub_key_algs=ALGORITHMS,
        exclude_credentials=_descriptors(exclude),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return cast("dict[str, Json]", options_to_json_dict(options))


def assertion_options(challenge: bytes, allowed: Sequence[str]) -> dict[str, Json]:
    """What `navigator.credentials.get()` is to be called with; `allowed` are ids of keys that may answer."""
    options = generate_authentication_options(
        rp_id=RP_ID,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(allowed),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return cast("dict[str, Json]", options_to_json_dict(options))


def verify_new_key(site: Site, challenge: bytes, credential: Mapping[str, Json]) -> NewKey:
    """Check a registration.

    Raises:
        NotSigned: it does not fit, the user was not verified, or it is a drill's key in a real store.
    """
    try:
        _refuse_framed(credential)
        verified = verify_registration_response(
            credential=_plain(credential),
            expected_challenge=challenge,
            expected_rp_id=RP_ID,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotSigned("registration", f"the key was not accepted: {_say(error)}", "open the page again") from error
    if verified.aaguid == DRILL_AAGUID and not site.drill:
        raise NotSigned("drill-key", "this is a drill's virtual key, and this store is real", "use a person's key")
    return NewKey(
        id=bytes_to_base64url(verified.credential_id),
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        aaguid=verified.aaguid,
    )


def credential_id(credential: Mapping[str, Json]) -> str:
    """Which key an assertion claims to be made with."""
    found = credential.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= 1400:
        raise NotSigned("assertion", "the answer names no key", "open the page again")
    return found


def verify_assertion(
    site: Site, challenge: bytes, credential: Mapping[str, Json], public_key: bytes, sign_count: int
) -> int:
    """Check a signature over `challenge`; returns the key's new counter.

    Raises:
        NotSigned: it is not this key's verified signature over exactly this, on this page, or its counter did not rise.
    """
    try:
        _refuse_framed(credential)
        verified = verify_authentication_response(
            credential=_plain(credential),
            expected_challenge=challenge,
            expected_rp_id=RP_ID,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotSigned(
            "assertion", f"the signature does not fit: {_say(error)}", "open the page again and read what it shows now"
        ) from error
    return verified.new_sign_count


def proof_of(credential: Mapping[str, Json]) -> dict[str, Json]:
    """The parts of an assertion that let anyone verify it later, and nothing else of what the browser sent."""
    response = credential.get("response")
    fields = response if isinstance(response, Mapping) else {}
    proof: dict[str, Json] = {"id": credential_id(credential), "rawId": credential.get("rawId"), "type": "public-key"}
    proof["response"] = {name: fields.get(name) for name in ("authenticatorData", "clientDataJSON", "signature")}
    if len(json.dumps(proof)) > MAX_ASSERTION_BYTES:
        raise NotSigned("assertion", "the answer is larger than any security key makes", "open the page again")
    return proof


def _plain(credential: Mapping[str, Json]) -> dict[str, Any]:  # py_webauthn's own type for parsed JSON
    return dict(credential)


def _descriptors(ids: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in ids]


def _say(error: Exception) -> str:
    return str(error)[:160] or type(error).__name__
