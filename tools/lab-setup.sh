#!/bin/sh
# Installs what the tests of clusters over SSH need, as root on Debian and its kin; elsewhere those
# tests are skipped and say what is missing. Never fails: the tests themselves decide.
command -v sshd >/dev/null 2>&1 || PATH=$PATH:/usr/sbin:/sbin
missing=
for pair in sshd:openssh-server ssh:openssh-client rsync:rsync ip:iproute2 iptables:iptables; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "Installing$missing for the tests of clusters (a few MB)" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
{ apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null ||
    tail -n 5 "$log" >&2
rm -f "$log"
exit 0
