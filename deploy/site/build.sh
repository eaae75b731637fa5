#!/usr/bin/env bash
# Builds README and docs/ into .site/pages, with Sphinx in an environment of its own. A warning, such as
# a link that leads nowhere, fails it.
set -euo pipefail
cd "$(dirname "$0")/../.."

wanted=deploy/site/requirements.txt
if ! cmp -s "$wanted" .site/venv/requirements.txt; then
    rm -rf .site/venv
    "$(.venv/bin/python -c 'import sys; print(sys._base_executable)')" -m venv .site/venv
    .site/venv/bin/python -m pip install -qq --require-hashes -r "$wanted"
    cp "$wanted" .site/venv/requirements.txt
fi
rm -rf .site/pages
.site/venv/bin/sphinx-build -q -W --keep-going -b dirhtml -d .site/read -c deploy/site . .site/pages
echo "The site stands in .site/pages/index.html"
