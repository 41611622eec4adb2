"""Builds the files of a release into target/release-files: `make release` calls it.

The same sources, Rust, JDK and Maven give the same bytes, whatever the folder and the time.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import datetime, timezone
from pathlib import Path

import bom
import check
import crates
import elf
import jars
import licences
from crates import ROOT, output
from platforms import LIBRARY, PLATFORMS, TOOL_PLATFORMS

WORK = ROOT / "target" / "release-build"
FILES = ROOT / "target" / "release-files"
CONNECTOR, TOOL = "pulsar-io-hdfs-csv", "hdfs-csv-tool"


def main():
    tools = commands_folder()
    output("rustup", "--quiet", "target", "add", *(platform.rust_target for platform in PLATFORMS))
    version = project_version()
    epoch = source_date()
    # Both parts of the musl builds differ in one flag, so each has a folder of its own.
    cargo(tools, epoch, CONNECTOR, ["--lib"], PLATFORMS, ["-Ctarget-feature=-crt-static"], WORK / "library")
    cargo(tools, epoch, TOOL, ["--bin", "hdfs-csv"], TOOL_PLATFORMS, [], WORK / "tool")

    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir(parents=True)
    libraries = {platform: built("library", platform) / LIBRARY for platform in PLATFORMS}
    commands = {platform: built("tool", platform) / "hdfs-csv" for platform in TOOL_PLATFORMS}
    refuse([f"{path}: {problem}" for path, problem in problems(libraries, commands)])

    zig = next(tools.parent.glob("lib/python*/site-packages/ziglang"))
    sysroot = Path(output("rustc", "--print", "sysroot").strip())
    builders = {
        "rustc": output("rustc", "--version").split()[1],
        "zig": output(tools / "python-zig", "version").strip(),
        "javac": output("javac", "-version").split()[1],
    }
    runtimes = licences.runtimes(sysroot, zig, builders["rustc"], builders["zig"])
    linked = crates.linked(CONNECTOR, [platform.rust_target for platform in PLATFORMS])
    of_tool = crates.linked(TOOL, [platform.rust_target for platform in TOOL_PLATFORMS])

    java = maven_project()
    bundled = bundled_jars(java)
    third_parties = licences.third_parties(linked, bundled, runtimes)
    nar = archive(java, version, epoch, libraries, third_parties)
    contained = [f"{jar.name}-{jar.version}.jar" for jar in bundled]
    refuse([] if jars.bundled(nar) == contained else [f"the archive bundles {jars.bundled(nar)}, its licences are of {contained}"])
    for platform, command in commands.items():
        shutil.copyfile(command, FILES / f"hdfs-csv-{version}-linux-{platform.processor}")
        os.chmod(FILES / f"hdfs-csv-{version}-linux-{platform.processor}", 0o755)
    everyone = sorted({*linked, *of_tool})
    write("THIRD-PARTY.txt", licences.third_parties(everyone, bundled, runtimes))
    for file in ["LICENSE", "NOTICE", "CHANGELOG.md"]:
        shutil.copyfile(ROOT / file, FILES / file)
    parts = {f"{CONNECTOR}-{version}.nar": [*linked, *bundled, *runtimes], f"hdfs-csv-{version}": [*of_tool, *runtimes]}
    parts = {name: [part for part in contents if not getattr(part, "is_own", False)] for name, contents in parts.items()}
    materials = bom.bill_of_materials(version, epoch, builders, parts)
    write(f"{CONNECTOR}-{version}.cdx.json", json.dumps(materials, indent=1) + "\n")
    write("SHA256SUMS", "".join(f"{sha256(path)}  {path.name}\n" for path in sorted(FILES.iterdir())))
    print((FILES / "SHA256SUMS").read_text(), end="")


def commands_folder():
    """Where the commands of release/requirements.txt are: beside the Python that runs this."""
    return Path(sys.executable).parent


def project_version():
    """The same in Cargo.toml and java-shim/pom.xml."""
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    of_maven = re.search(r"<artifactId>pulsar-io-hdfs-csv</artifactId>\s*<version>(.+)</version>", pom())[1]
    refuse([] if of_maven == version else [f"Cargo.toml has version {version}, java-shim/pom.xml {of_maven}: make them equal"])
    return version


def pom():
    return (ROOT / "java-shim" / "pom.xml").read_text()


def source_date():
    """When the sources were made, in seconds since 1970: SOURCE_DATE_EPOCH, or the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given) if given else int(output("git", "log", "-1", "--format=%ct"))


def cargo(tools, epoch, package, what, platforms, flags, folder, action="zigbuild"):
    """Builds one package for several platforms, and returns what Cargo prints.

    What the compiler notes of paths has no machine's folders in it.
    """
    # Their folders have to be there, for they are replaced.
    output("cargo", "fetch", "--locked", *(part for platform in platforms for part in ("--target", platform.rust_target)))
    print(f"{package}: {', '.join(platform.name for platform in platforms)}", flush=True)
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    sources = sorted((home / "registry" / "src").iterdir())
    replaced = [(ROOT, "/source"), (folder, "/target"), *((source, "/crates") for source in sources)]
    flags = flags + [f"--remap-path-prefix={old}={new}" for old, new in replaced]
    environment = os.environ | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "CFLAGS": " ".join(f"-ffile-prefix-map={old}={new}" for old, new in replaced),
        "SOURCE_DATE_EPOCH": str(epoch),
    }
    command = [tools / "cargo-zigbuild", action, "--release", "--locked", "--package", package, *what]
    command += ["--target-dir", folder]
    for platform in platforms:
        command += ["--target", platform.zig_target]
    return subprocess.run(command, cwd=ROOT, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout


def built(part, platform):
    return WORK / part / platform.rust_target / "release"


def problems(libraries, commands):
    for files, rules in (libraries, check.library_problems), (commands, check.tool_problems):
        for platform, path in files.items():
            yield from ((path, problem) for problem in rules(elf.read(path), platform))


def refuse(problems):
    if problems:
        sys.exit("\n".join(["This is no release:", *problems]))


def maven_project():
    """A copy of java-shim/, so that nothing is left of or in what `make nar` makes."""
    project = WORK / "java-shim"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(ROOT / "java-shim", project, ignore=shutil.ignore_patterns("target"))
    return project


def maven(project, *arguments):
    command = ["mvn", "--quiet", "--batch-mode", "--no-transfer-progress", "--file", project / "pom.xml", *arguments]
    subprocess.run(command, check=True)


def bundled_jars(project):
    """Those that Maven puts into the archive."""
    folder = project / "target" / "jars"
    maven(project, "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}")
    return jars.read(folder)


def archive(project, version, epoch, libraries, third_parties):
    """Makes the connector's archive with all libraries and the licences."""
    resources = WORK / "archive"
    shutil.rmtree(resources, ignore_errors=True)
    for platform, library in libraries.items():
        folder = resources / "native" / platform.name
        folder.mkdir(parents=True)
        shutil.copyfile(library, folder / LIBRARY)
    notes = resources / "META-INF"
    notes.mkdir()
    for file in ["LICENSE", "NOTICE"]:
        shutil.copyfile(ROOT / file, notes / file)
    (notes / "THIRD-PARTY.txt").write_text(third_parties)
    date = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    maven(project, "package", "-DskipTests", f"-Darchive.resources={resources}", f"-Dproject.build.outputTimestamp={date}")
    name = f"{CONNECTOR}-{version}.nar"
    return Path(shutil.copyfile(project / "target" / name, FILES / name))


def write(name, text):
    (FILES / name).write_text(text)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
