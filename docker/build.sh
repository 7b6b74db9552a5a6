#!/usr/bin/env bash
# Builds the images named, or all: docker/build.sh [data-prep] [train] [evaluate]
# With BuildKit's bake where it is installed, and with plain `docker build` where it is not.
# REGISTRY, TAG, ACCELERATOR and BASE_IMAGE may be set; docker-bake.hcl says what they mean.
set -euo pipefail
cd "$(dirname "$0")/.."

export REGISTRY=${REGISTRY:-mnist-pipeline} TAG=${TAG:-latest} ACCELERATOR=${ACCELERATOR:-cpu}
export BASE_IMAGE=${BASE_IMAGE:-python:3.11-slim-bookworm}
REVISION=$(git describe --always --abbrev=40 --exclude '*' --dirty)
CREATED=$(git log -1 --format=%cI) # the commit's time: one revision gives one image
VERSION=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
export REVISION CREATED VERSION

if docker buildx version >/dev/null 2>&1; then
  exec docker buildx bake --file docker/docker-bake.hcl --load "$@"
fi

[ $# -gt 0 ] || set -- data-prep evaluate train
for target in "$@"; do
  docker build --quiet --file docker/Dockerfile --target "$target" \
    --tag "$REGISTRY/$target:$TAG" \
    --build-arg BASE_IMAGE --build-arg ACCELERATOR \
    --label "org.opencontainers.image.revision=$REVISION" \
    --label "org.opencontainers.image.created=$CREATED" \
    --label "org.opencontainers.image.version=$VERSION" .
done
