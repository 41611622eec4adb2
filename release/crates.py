"""The crates that are linked into a package's library or command."""

import json
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LICENCE_FILE = re.compile(r"(licen[sc]e|copying|notice|copyright|unlicense)", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Crate:
    """A crate as Cargo knows it."""

    name: str
    version: str
    # As an SPDX expression.
    licence: str
    folder: Path
    # SHA-256 of the package at crates.io; None for the project's own.
    checksum: str | None

    @property
    def purl(self):
        return f"pkg:cargo/{self.name}@{self.version}"

    @property
    def is_own(self):
        return self.checksum is None

    def licence_files(self):
        """Its licences, notices and copyrights, some in a folder; none where the package comes without."""
        found = [path for path in self.folder.iterdir() if LICENCE_FILE.match(path.name)]
        found += [path for folder in found if folder.is_dir() for path in folder.iterdir()]
        return sorted(path for path in found if path.is_file())


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def known(target):
    """Every crate that a build for the Rust target can take, by name and version."""
    metadata = json.loads(output("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in locked}
    found = {}
    for package in metadata["packages"]:
        identity = package["name"], package["version"]
        folder = Path(package["manifest_path"]).parent
        # Older packages write a slash for "or".
        licence = (package["license"] or "").replace("/", " OR ")
        found[identity] = Crate(*identity, licence, folder, checksums[identity])
    return found


def linked(package, targets):
    """What is linked for any of the Rust targets, the package itself included: no macros, no build scripts, no tests."""
    found = set()
    for target in targets:
        crates = known(target)
        tree = output(
            "cargo", "tree", "--locked", "--package", package, "--target", target, "--edges", "normal,no-proc-macro",
            "--prefix", "none", "--format", "{p}",
        )
        # "name vVERSION (more)" a line.
        found |= {crates[name, version.removeprefix("v")] for name, version, *_ in map(str.split, tree.splitlines())}
    return sorted(found)
