"""Reads of an ELF file what decides where it can be loaded."""

from dataclasses import dataclass, field

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_DT_FLAGS_1

PROCESSORS = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}


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
    """The facts of the file at a path. A file that is no ELF is a ValueError."""
    with path.open("rb") as file:
        try:
            return parse(ELFFile(file))
        except (ELFError, ValueError) as error:
            raise ValueError(f"{path} is no whole ELF file: {error}") from error


def parse(file):
    if not file.num_sections():
        raise ValueError("it has no table of sections, which says what versions of symbols it needs")
    elf = Elf(PROCESSORS.get(file["e_machine"], str(file["e_machine"])))
    for segment in file.iter_segments("PT_INTERP"):
        elf.interpreter = segment.get_interp_name()
    for segment in file.iter_segments("PT_DYNAMIC"):
        for tag in segment.iter_tags():
            if tag.entry.d_tag == "DT_NEEDED":
                elf.needed.append(tag.needed)
            elif tag.entry.d_tag == "DT_FLAGS_1":
                elf.stays = bool(tag.entry.d_val & ENUM_DT_FLAGS_1["DF_1_NODELETE"])
    for section in file.iter_sections("SHT_GNU_verneed"):
        elf.versions |= {version.name for _, versions in section.iter_versions() for version in versions}
    return elf
