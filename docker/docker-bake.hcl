// Every image, built at once: docker buildx bake -f docker/docker-bake.hcl
// docker/build.sh sets the variables from the environment and the repository.

variable "REGISTRY" { default = "mnist-pipeline" } // what stands before an image's name
variable "TAG" { default = "latest" }              // releases: a tag that never moves
variable "ACCELERATOR" { default = "cuda" }        // cuda, or cpu: what train's TensorFlow runs on
variable "BASE_IMAGE" { default = "python:3.11-slim-bookworm" } // releases: by digest
variable "REVISION" { default = "" }
variable "VERSION" { default = "" }
variable "CREATED" { default = "" }

group "default" {
  targets = ["data-prep", "evaluate", "train"]
}

target "image" {
  name       = image
  matrix     = { image = ["data-prep", "evaluate", "train"] }
  dockerfile = "docker/Dockerfile"
  target     = image
  tags       = ["${REGISTRY}/${image}:${TAG}"]
  args = {
    BASE_IMAGE  = BASE_IMAGE
    ACCELERATOR = ACCELERATOR
  }
  labels = {
    "org.opencontainers.image.revision" = REVISION
    "org.opencontainers.image.created"  = CREATED
    "org.opencontainers.image.version"  = VERSION
  }
}
