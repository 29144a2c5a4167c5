"""What is installed, and whether it fits together."""

import shutil
from importlib.metadata import PackageNotFoundError, version

from saddlepoint.schemas.checkups import Finding, judged

_NEEDED = ("torch", "numpy", "onnx", "gymnasium", "ale-py", "safetensors", "redis", "rq", "obstore", "pyarrow", "av")
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")


def packages() -> Finding:
    """Those that a worker imports, with their versions."""
    found = {name: installed(name) for name in _NEEDED}
    missing = [name for name, its in found.items() if its is None]
    return judged(
        "packages",
        f"missing: {', '.join(missing)}" if missing else ", ".join(f"{name} {its}" for name, its in found.items()),
        fails=bool(missing),
        remedy="pip install 'saddlepoint[local]'",
    )


def onnx_runtime() -> Finding:
    """Exactly one build: two write into the same folder, and what is left of them is neither."""
    found = [f"{name} {its}" for name in _RUNTIMES if (its := installed(name)) is not None]
    return judged(
        "onnxruntime",
        ", ".join(found) or "none",
        fails=len(found) != 1,
        remedy="Uninstall both onnxruntime and onnxruntime-gpu, then install the one that the machine needs.",
    )


def torch_build() -> Finding:
    """For the CPU or for CUDA, and whether that is what the machine has."""
    import torch

    built_for = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU"
    idle = torch.version.cuda is None and shutil.which("nvidia-smi") is not None
    return judged(
        "torch",
        f"{torch.__version__}, built for {built_for}",
        warns=idle,
        remedy="There is an NVIDIA driver that this build leaves idle; install saddlepoint[worker-gpu] in its stead.",
    )


def graphics() -> Finding:
    """The GPUs that torch reaches."""
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return judged(
        "gpu",
        ", ".join(names) or "none",
        warns=torch.version.cuda is not None and not names,
        remedy="torch is built for CUDA and finds no device; see to the driver, or to the container's --gpus.",
    )


def roms() -> Finding:
    """The Atari games that came with ale-py."""
    from ale_py.roms import get_all_rom_ids, get_rom_path

    ids = get_all_rom_ids()
    there = sum(get_rom_path(name) is not None for name in ids)
    return judged(
        "roms",
        f"{there} of {len(ids)} Atari games",
        fails=there < len(ids),
        remedy="pip install --force-reinstall ale-py, which brings them along.",
    )


def installed(name: str) -> str | None:
    """The version of a distribution, None where it is absent."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
