"""The jars in the connector's archive."""

import hashlib
import io
import zipfile
from dataclasses import dataclass

FOLDER = "META-INF/bundled-dependencies/"
# As an SPDX expression, and that the project's own LICENSE is its text. A jar says it in a way of its own, or not at all.
LICENCES = {"com.google.code.gson:gson": "Apache-2.0"}


@dataclass(frozen=True, order=True)
class Jar:
    """A jar as Maven knows it."""

    group: str
    name: str
    version: str
    licence: str
    sha256: str

    @property
    def purl(self):
        return f"pkg:maven/{self.group}/{self.name}@{self.version}?type=jar"


def read(folder):
    """Those in a folder."""
    return sorted(jar(path.name, path.read_bytes()) for path in folder.glob("*.jar"))


def bundled(archive):
    """The names of those in the archive at a path."""
    with zipfile.ZipFile(archive) as files:
        names = [name for name in files.namelist() if name.startswith(FOLDER) and not name.endswith("/")]
    return sorted(name.removeprefix(FOLDER) for name in names)


def jar(file, data):
    with zipfile.ZipFile(io.BytesIO(data)) as files:
        own = [name for name in files.namelist() if name.endswith("/pom.properties")]
        if len(own) != 1:
            raise ValueError(f"{file} does not say which artifact it is: {own}")
        lines = files.read(own[0]).decode().splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    artifact = f"{facts['groupId']}:{facts['artifactId']}"
    if artifact not in LICENCES:
        raise ValueError(f"{file} ({artifact}) has no licence in release/jars.py")
    return Jar(
        facts["groupId"], facts["artifactId"], facts["version"], LICENCES[artifact], hashlib.sha256(data).hexdigest()
    )
