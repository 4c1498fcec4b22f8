#!/bin/sh
# The lost-key drill: what happens when the master seed of the signing keys is gone for good, from the
# first head to a log that goes on under a new origin. Run it before you need it:
#
#   PROOFBOOK=proofbook sh docs/drills/lost-key.sh
#
# It uses a directory of its own and a free port on this machine, and leaves nothing behind.
set -eu

proofbook=${PROOFBOOK:-proofbook}
work=$(mktemp -d)
server=
stop() { [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; server=; } || true; }
trap 'stop; rm -rf "$work"' EXIT
fail() { echo "drill failed: $*" >&2; exit 1; }

start() {
  : > "$work/serve.log" # here, not when the server opens it: what the one before printed is not its address
  "$proofbook" serve --data "$work/data" --signing "$work/signing" --listen 127.0.0.1:0 \
    > "$work/serve.log" 2>&1 &
  server=$!
  tries=0
  until url=$(sed -n 's/^Proofbook .* listens on //p' "$work/serve.log") && [ -n "$url" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail "the server did not start: $(cat "$work/serve.log")"
    sleep 0.1
  done
}
ask() { curl -s -H "Authorization: Bearer $key" "$@"; }
record() { ask "$url/v1/workspaces/acme/events" -d "{\"action\": \"project.update\", \"id\": \"$1\"}" > /dev/null; }
newest_key() { ask "$url/v1/workspaces/acme/log/keys" | sed 's/.*"vkey":"\([^"]*\)".*/\1/'; }

echo "1. A log whose head somebody keeps."
start
key=$(sed -n 's/.*PROOFBOOK_KEY=//p' "$work/serve.log")
record one
record two
newest_key > "$work/old.vkey"
ask "$url/v1/workspaces/acme/log/checkpoint" > "$work/old-head"
PROOFBOOK_URL=$url PROOFBOOK_KEY=$key \
  "$proofbook" export --workspace acme --proof --out "$work/old-bundle" > /dev/null
stop

echo "2. The master seed is lost: nothing is signed, and events are taken all the same."
rm "$work/signing/master.seed"
start
record three
ask "$url/v1/workspaces/acme/log/checkpoint" | grep -q signing_refused || fail "a head without a seed"
ask "$url/v1/workspaces/acme/events" | grep -q three || fail "an event was not taken"

echo "3. A new seed: every published log goes on under a new origin, and says so."
ask -X POST "$url/v1/signing-seed" | grep -q new_origins || fail "no new seed"
newest_key > "$work/new.vkey"
ask "$url/v1/workspaces/acme/log/checkpoint" > "$work/new-head"
head -n 1 "$work/new-head" | grep -q '/e2$' || fail "the origin is still the old one"
old_root=$(sed -n 3p "$work/old-head")
ask "$url/v1/workspaces/acme/events?q=action:audit_log.*" | grep -qF "$old_root" \
  || fail "the leaf under the new origin does not name the old head"
cmp -s "$work/old.vkey" "$work/new.vkey" && fail "the key is the old one"

echo "4. What was proved before stays proved, and the new head verifies with the new key."
"$proofbook" verify "$work/old-bundle" --vkey "$work/old.vkey" > "$work/report" \
  || fail "the old bundle: $(cat "$work/report")"
PROOFBOOK_URL=$url PROOFBOOK_KEY=$key \
  "$proofbook" export --workspace acme --proof --out "$work/new-bundle" > /dev/null
"$proofbook" verify "$work/new-bundle" --vkey "$work/new.vkey" > "$work/report" \
  || fail "the new bundle: $(cat "$work/report")"
stop
echo "drill passed"
