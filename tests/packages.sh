# What whichhop needs from Debian, and how it is built: sourced by tests/run.sh
# and conf/demo.sh.

BUILD_PACKAGES=(g++ cmake ninja-build pkg-config libevent-dev libc-ares-dev
                libssl-dev libxxhash-dev libyaml-cpp-dev)
TEST_PACKAGES=(catch2 python3 curl iproute2 nginx-light apache2-utils nodejs npm
               node-llhttp openssl haproxy lighttpd apache2-bin prometheus wrk
               chromium-headless-shell fonts-dejavu-core)
# The rest of them is compared with, or counts: bench/run does without.
BENCH_PACKAGES=(nginx-light haproxy wrk openssl python3 h2o nghttp2-proxy
                trafficserver linux-perf strace valgrind)

# Whether a package is there: installed by Debian's name, or its program by
# another way (a newer Node.js, say).
has_package() {
  case "$1" in
    nodejs) command -v node ;;
    npm) command -v npm ;;
    python3) command -v python3 ;;
    chromium-headless-shell) command -v chromium-headless-shell || command -v chromium ;;
    *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' ;;
  esac >/dev/null
}

# Installs those that are missing; says what to install where it may not.
install_packages() {
  local missing=() package
  for package in "$@"; do
    has_package "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local line="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Missing packages. As root: $line" >&2
    exit 1
  fi
  # Servers that are installed for tests are not to be started.
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  if ! { apt-get update && $line; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "Could not install. Try: $line" >&2
    exit 1
  fi
  rm -f "$log"
}

# build KIND [TARGET...]: into build/KIND. With targets: those, without tests.
build() {
  local kind=$1
  shift
  local type=${kind^}
  local launcher=()
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  local targets=() tests=ON
  [ $# -gt 0 ] && targets=(--target "$@") tests=OFF
  cmake -S . -B "build/$kind" -G Ninja -DCMAKE_BUILD_TYPE="$type" -DBUILD_TESTING=$tests \
    "${launcher[@]}" >/dev/null
  cmake --build "build/$kind" "${targets[@]}" >&2
}
