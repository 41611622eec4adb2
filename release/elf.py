"""Reads of an ELF file what decides where it can be loaded. 64 bits, little-endian: all platforms of a release are."""

import struct
from dataclasses import dataclass, field

PROCESSORS = {62: "x86_64", 183: "aarch64"}
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_FLAGS_1, DT_VERNEED, DT_VERNEEDNUM = 1, 5, 0x6FFFFFFB, 0x6FFFFFFE, 0x6FFFFFFF
DF_1_NODELETE = 0x8


@dataclass
class Elf:
    """What a file needs of the system that loads it."""

    processor: str
    # The loader that it names; None for a library, and for a command that is linked statically.
    interpreter: str | None = None
    # The libraries that it names.
    needed: list[str] = field(default_factory=list)
    # The versions of symbols that it needs, as GLIBC_2.17.
    versions: set[str] = field(default_factory=set)
    # Whether it stays mapped once it is loaded.
    stays: bool = False


def read(path):
    """The facts of the file at a path. A file that is no such ELF is a ValueError."""
    data = path.read_bytes()
    try:
        return parse(data)
    except (struct.error, IndexError, StopIteration) as error:
        raise ValueError(f"{path} is no whole ELF file: {error!r}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def parse(data):
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError("it is no ELF file of 64 bits, little-endian")
    machine, = struct.unpack_from("<H", data, 18)
    begin, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    # Type, offset, address and size in the file of each segment.
    segments = [
        (kind, offset, address, length)
        for kind, _, offset, address, _, length, _, _ in (
            struct.unpack_from("<IIQQQQQQ", data, begin + number * size) for number in range(count)
        )
    ]
    elf = Elf(PROCESSORS.get(machine, f"machine {machine}"))
    for kind, offset, _, length in segments:
        if kind == PT_INTERP:
            elf.interpreter = data[offset : offset + length].rstrip(b"\0").decode()
        if kind == PT_DYNAMIC:
            dynamic(data, segments, offset, length, elf)
    return elf


def dynamic(data, segments, offset, length, elf):
    entries = [struct.unpack_from("<qQ", data, at) for at in range(offset, offset + length, 16)]
    facts = dict(entries)
    if DT_STRTAB not in facts:
        return
    strings = place(segments, facts[DT_STRTAB])
    elf.needed = [text(data, strings + value) for tag, value in entries if tag == DT_NEEDED]
    elf.stays = bool(facts.get(DT_FLAGS_1, 0) & DF_1_NODELETE)
    library = place(segments, facts[DT_VERNEED]) if DT_VERNEED in facts else 0
    for _ in range(facts.get(DT_VERNEEDNUM, 0)):
        _, versions, _, first, following = struct.unpack_from("<HHIII", data, library)
        version = library + first
        for _ in range(versions):
            _, _, _, name, further = struct.unpack_from("<IHHII", data, version)
            elf.versions.add(text(data, strings + name))
            version += further
        library += following


def place(segments, address):
    """Where in the file an address is."""
    return next(
        offset + address - begin
        for kind, offset, begin, length in segments
        if kind == PT_LOAD and begin <= address < begin + length
    )


def text(data, begin):
    return data[begin : data.index(b"\0", begin)].decode()
