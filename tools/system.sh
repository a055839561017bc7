#!/bin/sh
# Install the system packages that `make $1` needs: as root or through `sudo -n` where that works, never asking for a
# password. What cannot be installed is named in one line with the command.
set -eu
want=""
need() { # command, package
  command -v "$1" >/dev/null 2>&1 || want="$want $2"
}
need bwrap bubblewrap
need curl curl
need git git
if [ "$1" = test ]; then
  need chromium chromium
  need nginx nginx
  need wrk wrk
  need npm npm
  need pgbouncer pgbouncer
  need ruby ruby
  ruby -e 'require "active_record"; require "pg"' 2>/dev/null || want="$want ruby-activerecord ruby-pg"
  # A phone's letters are as narrow as these; what is there otherwise may be a fifth wider.
  [ -n "$(find /usr/share/fonts -name 'LiberationSans-Regular*' 2>/dev/null)" ] || want="$want fonts-liberation"
  # Its server is on nobody's PATH.
  [ -n "$(ls -d /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb 2>/dev/null)" ] || want="$want postgresql"
  [ -n "$(ls -d /usr/share/postgresql/*/extension/dblink.control 2>/dev/null)" ] || want="$want postgresql-contrib"
fi
[ -z "$want" ] && exit 0
if command -v apt-get >/dev/null 2>&1; then install="apt-get install -y$want"
elif command -v dnf >/dev/null 2>&1; then install="dnf install -y$want"
elif command -v pacman >/dev/null 2>&1; then install="pacman -S --noconfirm$want"
else install="the package manager of this system for:$want"; fi
if [ "$(id -u)" = 0 ]; then as=""
elif sudo -n true 2>/dev/null; then as="sudo -n"
else
  echo "missing:$want. Install with: sudo $install" >&2
  exit 1
fi
echo "installing$want ..."
log=$(mktemp)
if command -v apt-get >/dev/null 2>&1; then
  $as apt-get update -q >"$log" 2>&1 || true
  DEBIAN_FRONTEND=noninteractive $as apt-get install -y -q --no-install-recommends $want >>"$log" 2>&1 && { rm -f "$log"; exit 0; }
else
  $as $install >"$log" 2>&1 && { rm -f "$log"; exit 0; }
fi
tail -5 "$log" >&2
rm -f "$log"
echo "could not install$want. Install with: $install" >&2
exit 1
