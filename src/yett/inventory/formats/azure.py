"""Azure: what the command line keeps (documentation, "Sign in with Azure CLI"), and service principals as JSON."""

from __future__ import annotations

from yett.inventory.formats.declared import Row, declared
from yett.inventory.formats.format import Format
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.severity import Severity

CACHE = "login of Azure CLI"
PRINCIPAL = "secret of an Azure service principal"

_CLIENT = "clientid|client_id|appid|applicationid|serviceprincipalid"
_TENANT = "tenantid|tenant_id|tenant|serviceprincipaltenant"
_CACHE = (
    Row("refreshtoken/*/secret", "azure-login", CACHE, "oauth-token", "azure", "home_account_id", "environment"),
    Row("accesstoken/*/secret", "azure-login", CACHE, "oauth-token", "azure", "home_account_id", "environment"),
    Row("idtoken/*/secret", "azure-login", CACHE, "oauth-token", "azure", "home_account_id", severity=Severity.MEDIUM),
    Row("*/accesstoken|refreshtoken", "azure-login", CACHE, "oauth-token", "azure", "userid|serviceprincipalid"),
)
_PRINCIPAL = tuple(
    Row(f"**/{key}", "azure-service-principal", PRINCIPAL, "service-account", "azure", _CLIENT, _TENANT)
    for key in ("clientsecret|client_secret", "password|secret", "serviceprincipalkey")
)

FORMATS = (
    Format(
        "azure-login",
        CACHE,
        "oauth-token",
        declared(json_entries, (*_CACHE, *_PRINCIPAL)),
        names=("msal_token_cache.json", "accesstokens.json", "msal_http_cache.json"),
        paths=(".azure/azureprofile.json", ".azure/tokencache.dat", ".azd/auth/*.json"),
        homes=("~/.azure/msal_token_cache.json", "~/.azure/accessTokens.json", "~/.azure/azureProfile.json"),
    ),
    Format(
        "azure-service-principal",
        PRINCIPAL,
        "service-account",
        declared(json_entries, _PRINCIPAL),
        names=("service_principal_entries.json", "azureauth.json", "azure-credentials.json", "azure_credentials.json"),
        paths=(".azure/credentials.json", ".azure/aksserviceprincipal.json", ".azure/acsserviceprincipal.json"),
        homes=("~/.azure/service_principal_entries.json", "~/.azure/aksServicePrincipal.json"),
        sniff=rb'"(?:clientSecret|client_secret)"[ \t]{0,4}:[ \t]{0,4}"[A-Za-z0-9_.~-]{30}',
    ),
)
