#!/usr/bin/env bash
# Writes a software bill of materials (CycloneDX, JSON) per image from its lock: sbom/<image>.json
set -euo pipefail
cd "$(dirname "$0")/.."

export PYTHONWARNINGS=ignore::UserWarning # a list of pins has no graph: cyclonedx-py remarks on it
mkdir -p sbom
for image in data-prep evaluate train-cpu train-cuda; do
  # The locks hold for any platform; an image holds what fits Linux and its Python.
  uv pip compile "docker/requirements/$image.txt" --quiet --no-deps --generate-hashes \
    --python-version 3.11 --python-platform x86_64-manylinux_2_28 --no-header --no-annotate |
    uvx --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements - \
      --pyproject pyproject.toml --output-reproducible --output-file "sbom/$image.json"
done
