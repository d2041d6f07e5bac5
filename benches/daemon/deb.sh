#!/usr/bin/env bash
# Builds the .deb from a finished release build, installs it, checks its units, runs the daemon as installed, and removes it. Needs
# root, Debian, cargo-deb and systemd-analyze; systemd itself need not run: then the daemon is started as the unit would, by hand.
#
#   deb.sh [FOLDER]     the package is left in FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."

out="${1:-$(mktemp -d)}"
state="$(mktemp -d)"
say() { printf '\n== %s\n' "$1"; }

say "package"
cargo deb --no-build --output "$out/"
deb="$(ls -t "$out"/bluf_*.deb | head -1)"
dpkg-deb --info "$deb" | grep -E 'Version|Depends|Installed-Size'

say "install"
dpkg -i "$deb"
command -v lintian > /dev/null && { lintian "$deb" || true; }
trap 'dpkg --purge bluf > /dev/null 2>&1 || true; rm -rf "$state"' EXIT

say "units"
systemd-analyze verify /usr/lib/systemd/system/bluf.service /usr/lib/systemd/system/bluf.socket && echo "verify: clean"
systemd-analyze security --offline=true bluf.service 2> /dev/null | tail -1

say "as installed"
bluf version
bluf config check /etc/bluf/config.toml
chown nobody "$state"
(cd / && exec setpriv --reuid nobody --regid nogroup --clear-groups env -i PATH=/usr/bin HOME=/nonexistent STATE_DIRECTORY="$state" \
  BLUF_WEB_LISTEN=127.0.0.1:7719 BLUF_WEB_SOCKET="$state/bluf.sock" /usr/bin/bluf --config /etc/bluf/config.toml serve) &
daemon=$!
for _ in $(seq 100); do curl -fsS http://127.0.0.1:7719/readyz 2> /dev/null && break; sleep 0.1; done
kill -TERM "$daemon"
wait "$daemon" && echo " … and it stopped in order"
ls "$state"

say "remove"
dpkg --purge bluf
trap 'rm -rf "$state"' EXIT
left="$(ls -d /usr/bin/bluf /etc/bluf /usr/lib/systemd/system/bluf.* 2> /dev/null || true)"
[ -z "$left" ] && echo "nothing is left" || { echo "LEFT: $left"; exit 1; }
[ "$(ps -p 1 -o comm=)" = systemd ] || echo "systemd is not process 1 here: that it starts, notifies and is watched was not tried"
