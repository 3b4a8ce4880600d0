#!/bin/sh
# Makes this user's Ray token, for a cluster's head: 256 random bits that only the user can read.
# A token that is there is kept, as the workers have it already.
set -eu
token=$HOME/.ray/auth_token
umask 077
mkdir -p "$HOME/.ray"
[ -s "$token" ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$token"
chmod 600 "$token"
