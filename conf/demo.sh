#!/usr/bin/env bash
# Shows what whichhop does: builds it, starts an origin that fails on demand,
# puts whichhop before it, and asks for one good answer and six broken ones.
#
#   conf/demo.sh          then serves until Ctrl-C
#   conf/demo.sh --once   then ends
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  "" | --once) ;;
  *) echo "usage: conf/demo.sh [--once]" >&2; exit 2 ;;
esac

. tests/packages.sh
install_packages "${BUILD_PACKAGES[@]}" curl
mkdir -p build
echo "Building (the first time takes some minutes) ..." >&2
if ! build release whichhop whichhop-origin >/dev/null 2>build/demo.log; then
  tail -n 30 build/demo.log >&2
  exit 1
fi

folder=$(mktemp -d)
children=()
cleanup() {
  [ ${#children[@]} -gt 0 ] && kill "${children[@]}" 2>/dev/null
  wait
  rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 0' INT TERM

# start NAME COMMAND...: runs it and sets address to where it listens.
start() {
  local output="$folder/$1"
  shift
  "$@" >"$output" 2>&1 &
  children+=($!)
  for _ in $(seq 200); do
    address=$(sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' "$output")
    [ -n "$address" ] && return
    sleep 0.05
  done
  cat "$output" >&2
  exit 1
}

start origin build/release/bench/whichhop-origin --listen 127.0.0.1:0
origin=$address
start refusing build/release/bench/whichhop-origin --listen 127.0.0.1:0 --refuse
refusing=$address
cat >"$folder/whichhop.yaml" <<YAML
listen: ["127.0.0.1:0"]
timeouts: {response_head: 1s}
upstreams:
  app: {servers: ["$origin"]}
  down: {servers: ["$refusing"]}
routes:
  - {path: /down/, upstream: down}
  - {path: /coffee, respond: 418}
  - {host: shop.example, upstream: app}
errors: {details: everyone}
logs: {access: $folder/access.log}
YAML
start whichhop build/release/proxy/cli/whichhop run -c "$folder/whichhop.yaml"
proxy=$address

# show TITLE TARGET [HOST]: the status line and what it says of the hops.
show() {
  printf '\n\033[1m%s\033[0m\n$ curl -i http://%s%s\n' "$1" "$proxy" "$2"
  curl -si --max-time 10 -H "Host: ${3:-shop.example}" "http://$proxy$2" | tr -d '\r' |
    sed -nE '1p; /^(Proxy-Status|Error-[A-Za-z]+):/p'
}

show "The origin answers" /bytes/100
show "It says 503 itself: the documented row speaks" /status/503
show "It closes without an answer: the app" /fault/empty
show "It takes the request and never answers: the app, and not the network" /fault/hang
show "It speaks something that is not HTTP" /fault/smtp
show "Nobody listens there" /down/
show "No route: our own configuration, and nobody else" / nobody.example

printf '\n\033[1mThe same in the log\033[0m\n'
sleep 0.2
tail -n 2 "$folder/access.log" | head -n 1

if [ "${1:-}" = --once ]; then exit 0; fi
printf '\nServing on http://%s (send Host: shop.example). The origin lists its faults at /.\nLog: %s. Ctrl-C ends.\n' \
  "$proxy" "$folder/access.log"
wait "${children[@]}"
