#!/bin/sh
# Installs what the tests of clusters over SSH and of the page in a browser need, as root on Debian
# and its kin; elsewhere those tests are skipped and say what is missing. Never fails: the tests
# themselves decide.
unset CDPATH
cd "$(dirname "$0")/.." || exit 0
if command -v npm >/dev/null 2>&1 && [ ! -e tests/browser/node_modules/axe-core/axe.min.js ]; then
    echo "Installing axe-core for the tests of the page" >&2
    npm install --prefix tests/browser --no-package-lock --ignore-scripts --no-audit --no-fund \
        >/dev/null 2>&1 </dev/null
fi
command -v sshd >/dev/null 2>&1 || PATH=$PATH:/usr/sbin:/sbin
missing=
for pair in sshd:openssh-server ssh:openssh-client rsync:rsync ip:iproute2 iptables:iptables \
    chromium:chromium; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "Installing$missing for the tests of clusters and of the page" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
{ apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null ||
    tail -n 5 "$log" >&2
rm -f "$log"
exit 0
