#!/usr/bin/env bash
# Makes a stand-in for the base image where no registry can be pulled from: Debian's Python 3.11,
# from Debian's archive. Needs root, debootstrap and a running Docker engine.
#
#   docker/offline-base.sh && make images BASE_IMAGE=mnist-pipeline/offline-base
#
# For tests. Release builds name the official image by its digest, which gets security updates.
set -euo pipefail

image=mnist-pipeline/offline-base
if docker image inspect "$image" >/dev/null 2>&1; then
  echo "$image exists already"
  exit
fi

root=$(mktemp -d)
trap 'rm -rf "$root" "$root.log"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
  bookworm "$root" >"$root.log" || { cat "$root.log" >&2; exit 1; }
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
chmod 755 "$root" # mktemp made it for one user, and in a container it is `/`

# The official image has `python`; and pip must trust whom this machine trusts, as a site without
# a registry is likely to reach PyPI through a proxy with a certificate of its own.
ln -s python3 "$root/usr/bin/python"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

tar -C "$root" -c . | docker import --change 'CMD ["python3"]' - "$image"
