#!/usr/bin/env bash
# Builds whichhop and passes all tests; installs what is missing, if it may.
#
#   tests/run.sh [release|debug|asan|tsan] [ctest options]
#
# The last lines are ctest's own.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=release
case "${1:-}" in
  release | debug | asan | tsan) kind=$1; shift ;;
esac

. tests/packages.sh
install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"

# The independent parser of structured fields that the tests ask.
if ! cmp -s tests/e2e/package-lock.json tests/e2e/node_modules/.installed; then
  npm ci --prefix tests/e2e --no-audit --no-fund --loglevel=error
  cp tests/e2e/package-lock.json tests/e2e/node_modules/.installed
fi

build "$kind"

# One test beside another: what they measure is who broke, not how fast.
ctest --test-dir "build/$kind" --output-on-failure --parallel 2 "$@"
