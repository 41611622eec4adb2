"""The texts under which what is linked may be passed on."""

from dataclasses import dataclass
from pathlib import Path

from crates import ROOT, Crate

# Crates whose packages have no licence file, and under which licence they are taken. Its text is the project's own LICENSE.
WITHOUT_FILES = {"hdfs-native": "Apache-2.0", "jni": "Apache-2.0"}


@dataclass(frozen=True, order=True)
class Runtime:
    """What compilers link besides crates."""

    name: str
    version: str
    licence: str
    # Its licence and copyright files.
    files: tuple[Path, ...]


def runtimes(sysroot, zig, rust_version, zig_version):
    """Those of Rust and of zig; `sysroot` and `zig` are their folders."""
    rust = sysroot / "share" / "doc" / "rust" / "licenses"
    libraries = zig / "lib"
    return [
        Runtime("Rust's standard library", rust_version, "MIT OR Apache-2.0", (rust / "MIT.txt", rust / "Apache-2.0.txt")),
        Runtime("compiler-rt of Zig", zig_version, "MIT", (zig / "LICENSE",)),
        Runtime(
            "libunwind of LLVM, as Zig and Rust bring it", zig_version, "Apache-2.0 WITH LLVM-exception",
            (libraries / "libunwind" / "LICENSE.TXT",),
        ),
        Runtime("musl", f"as in Zig {zig_version} and Rust {rust_version}", "MIT", (libraries / "libc" / "musl" / "COPYRIGHT",)),
        Runtime(
            "start files of glibc, as Zig brings them", zig_version, "LGPL-2.1-or-later with the exception for linking",
            (libraries / "libc" / "glibc" / "LICENSES",),
        ),
    ]


def third_parties(crates, jars, others):
    """One text with everyone whose code is in a release, and each licence text once."""
    parts = [(f"{crate.name} {crate.version}", crate.licence, crate_files(crate)) for crate in crates if not crate.is_own]
    parts += [(f"{jar.name} {jar.version}", jar.licence, [ROOT / "LICENSE"]) for jar in jars]
    parts += [(f"{other.name} ({other.version})", other.licence, other.files) for other in others]
    lines = ["The libraries and the command of pulsar-io-hdfs-csv contain code of these projects.", ""]
    texts = {}
    for name, licence, files in sorted(parts):
        lines.append(f"- {name}: {licence}")
        for file in files:
            texts.setdefault(normal(file.read_text(errors="replace")), []).append(name)
    for text, names in sorted(texts.items(), key=lambda item: (item[1], item[0])):
        lines += ["", "=" * 80, "Of " + ", ".join(dict.fromkeys(names)) + ":", "", text]
    return "\n".join(lines) + "\n"


def crate_files(crate: Crate):
    files = crate.licence_files()
    if files:
        return files
    licence = WITHOUT_FILES.get(crate.name)
    if licence != "Apache-2.0" or licence not in crate.licence:
        raise ValueError(
            f"{crate.name} {crate.version} ({crate.licence}) has no licence file: say in release/licences.py which text holds"
        )
    return [ROOT / "LICENSE"]


def normal(text):
    """A text whose copies differ in line ends and blank lines at its edges only."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
