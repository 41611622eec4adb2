"""Whether what was built can be loaded where it is for: each rule that a file breaks, in words."""

import re

from platforms import GLIBC

# What every process of that C library has mapped or can map. The loader's own name differs between processors.
NEEDED = {
    "glibc": r"lib(c|m|dl|pthread|rt)\.so\.[0-9]+|ld-linux-.+\.so\.[0-9]+",
    "musl": r"libc\.so",
}


def library_problems(elf, platform):
    """Of a native library."""
    if elf.processor != platform.processor:
        yield f"it is for {elf.processor}, and not for {platform.processor}"
    if elf.interpreter:
        yield f"it is a program with the loader {elf.interpreter}, and no library"
    for needed in elf.needed:
        if not re.fullmatch(NEEDED[platform.c_library], needed):
            yield f"it needs {needed}, which a system of {platform.c_library} need not have"
    if platform.c_library == "musl" and elf.needed != ["libc.so"]:
        yield f"it needs {elf.needed or 'nothing'}, and not libc.so alone"
    for version in sorted(elf.versions):
        glibc = re.fullmatch(r"GLIBC_([0-9.]+)", version)
        if not glibc or platform.c_library == "musl":
            yield f"it needs symbols of {version}"
        elif tuple(map(int, glibc[1].split("."))) > GLIBC:
            yield f"it needs symbols of {version}, which is newer than {'.'.join(map(str, GLIBC))}"
    if not elf.stays:
        yield "it can be unmapped while its threads run: it was linked without -z nodelete"


def tool_problems(elf, platform):
    """Of a command that is linked statically."""
    if elf.processor != platform.processor:
        yield f"it is for {elf.processor}, and not for {platform.processor}"
    if elf.interpreter or elf.needed:
        yield f"it is not static: its loader is {elf.interpreter}, it needs {elf.needed}"
