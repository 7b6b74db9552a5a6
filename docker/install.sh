#!/bin/sh
# Installs the requirement file beside it into /opt/venv, without what a running step has no use for.
set -eu

# No dependencies but those listed: excluded.txt says what is left out, and why.
pip --python /opt/venv/bin/python install --quiet --root-user-action ignore \
  --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement /build/*.txt

find /opt/venv -type d -name tests -prune -exec rm -r {} +
rm -rf /opt/venv/lib/python3*/site-packages/tensorflow/include # 290 MB of headers
rm -r /build
