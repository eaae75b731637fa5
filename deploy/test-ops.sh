#!/usr/bin/env bash
# The alert rules against promtool: found on the PATH, else installed where this may install packages.
set -euo pipefail
cd "$(dirname "$0")/prometheus"

if ! command -v promtool >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get install -y --no-install-recommends prometheus || {
      apt-get update && apt-get install -y --no-install-recommends prometheus; }; } >/dev/null 2>&1 || true
  fi
fi
if ! command -v promtool >/dev/null; then
  echo "test-ops: skipped, there is no promtool (it comes with Prometheus) and none could be installed"
  exit 0
fi
promtool check config --syntax-only prometheus.yml
promtool check rules alerts.yml
promtool test rules alerts.test.yml
