"""Settings that are code: WordPress, Joomla, Drupal, Magento, phpMyAdmin, Django, NetBox, Jupyter, Rails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from yett.inventory.formats.code_values import code_entries
from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Format
from yett.inventory.formats.named_format import named_format
from yett.inventory.formats.named_values import named_secrets
from yett.inventory.formats.parser import hits, parser
from yett.inventory.formats.secret_names import normal_name
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

_SALTS = frozenset(
    f"{part}_{what}" for part in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE") for what in ("KEY", "SALT")
)


def _wordpress(entries: list[Entry]) -> Iterator[Hit]:
    """Who has the salts can forge a session's cookie, but needs a password's hash for it."""
    salts = [entry for entry in entries if normal_name(entry.key) in _SALTS]
    yield from hits(
        ((entry, "") for entry in salts if entry.is_real),
        "wordpress-salt",
        "salt of WordPress",
        identity="signing-key",
        severity=Severity.MEDIUM,
    )
    rest = [entry for entry in entries if normal_name(entry.key) not in _SALTS]
    yield from hits(named_secrets(rest), "wordpress", "password in WordPress' settings")


def _settings(
    kind: str, product: str, *homes: str, names: Iterable[str] = (), paths: Iterable[str] = (), also: Iterable[str] = ()
) -> Format:
    return named_format(kind, f"password in {product}", code_entries, *homes, names=names, paths=paths, also=also)


FORMATS = (
    Format(
        "wordpress",
        "password in WordPress' settings",
        "password",
        parser(code_entries, _wordpress),
        ("wp-config.php", "wp-config-*.php", "wp-config.php.*", "wp-config.bak"),
        sniff=rb"define\([ ]?'DB_PASSWORD'",
    ),
    _settings("joomla", "Joomla's settings", names=("configuration.php",)),
    _settings("drupal", "Drupal's settings", names=("settings.php", "settings.local.php"), also=("hash_salt",)),
    _settings("magento", "Magento's settings", paths=("app/etc/env.php",), also=("key",)),
    _settings(
        "phpmyadmin", "phpMyAdmin's settings", names=("config.inc.php", "config-db.php"), also=("blowfish_secret",)
    ),
    _settings(
        "django",
        "Django's settings",
        names=("settings.py", "local_settings.py", "settings_*.py", "secret_settings.py"),
        paths=("settings/*.py",),
        also=("secret_key",),
    ),
    _settings(
        "jupyter",
        "Jupyter's settings",
        "~/.jupyter/jupyter_*_config.py",
        "~/.jupyter/jupyterhub_config.py",
        names=(
            "jupyter_notebook_config.py",
            "jupyter_server_config.py",
            "jupyter_lab_config.py",
            "jupyterhub_config.py",
        ),
    ),
    _settings(
        "ruby-config",
        "a Ruby application's settings",
        names=("secret_token.rb", "devise.rb", "knife.rb", "gitlab.rb", "session_store.rb"),
        paths=("config/initializers/*.rb", "config/environments/*.rb"),
    ),
    _settings(
        "php-application",
        "a PHP application's settings",
        names=("localsettings.php", "config.db.php", "parameters.php", "app_local.php"),
        paths=("config/autoload/local.php", "config/app_local.php", "inc/config.php"),
    ),
    _settings(
        "python-application",
        "a Python application's settings",
        names=("superset_config.py", "webserver_config.py", "airflow_local_settings.py"),
        paths=("netbox/configuration.py", "instance/config.py"),
    ),
    _settings(
        "js-application",
        "a JavaScript application's settings",
        names=("knexfile.js", "knexfile.ts", "ormconfig.js", "ormconfig.ts"),
    ),
)
