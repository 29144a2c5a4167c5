#!/bin/sh
# Pins every package of the images, with hashes, from the ranges in pyproject.toml: docker/*.lock. Needs uv.
# TORCH_WHEELS is a folder with torch's CPU build; without it, PyTorch's own index has it.
set -eu
cd "$(dirname "$0")/.."
: "${UV:=uv}" "${TORCH_WHEELS:=}"

compile() { # compile NAME UV-ARGUMENT...
    name=$1
    shift
    "$UV" pip compile --quiet --generate-hashes --upgrade --python-version 3.11 \
        --python-platform x86_64-manylinux_2_28 --custom-compile-command 'make lock' \
        --output-file "docker/$name.lock" "$@"
}

stated() { # stated NAME: the requirement of that name, as pyproject.toml has it
    sed -n "s/^.*\"\($1[^a-z][^\"]*\)\".*/\1/p" pyproject.toml | head -n 1
}

if [ -n "$TORCH_WHEELS" ]; then torch=--find-links=$TORCH_WHEELS; else torch=--torch-backend=cpu; fi
compile service pyproject.toml --extra service
compile engine-cpu pyproject.toml --extra worker --extra trainer --extra mujoco "$torch"
compile engine-gpu pyproject.toml --extra worker-gpu --extra trainer-gpu --extra mujoco
stated setuptools | compile build -
stated moto | compile storage -
