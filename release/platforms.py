"""The platforms of a release. `Platform.java` chooses among them by the same names."""

from dataclasses import dataclass

LIBRARY = "libpulsar_io_hdfs_csv.so"
# The oldest glibc that the library runs on: that of CentOS 7, of the manylinux2014 images, and of every later system.
GLIBC = (2, 17)


@dataclass(frozen=True)
class Platform:
    """A processor and a C library."""

    processor: str
    c_library: str

    @property
    def name(self):
        """What the archive calls it: the folder of its library below native/."""
        return f"linux-{self.processor}-{self.c_library}"

    @property
    def rust_target(self):
        return f"{self.processor}-unknown-linux-{'gnu' if self.c_library == 'glibc' else 'musl'}"

    @property
    def zig_target(self):
        """The same for cargo-zigbuild, which takes the oldest glibc with it."""
        oldest = ".".join(map(str, GLIBC))
        return self.rust_target + (f".{oldest}" if self.c_library == "glibc" else "")


PROCESSORS = ["x86_64", "aarch64"]
PLATFORMS = [Platform(processor, c_library) for processor in PROCESSORS for c_library in ["glibc", "musl"]]
# The command is linked with musl and needs no C library where it runs.
TOOL_PLATFORMS = [platform for platform in PLATFORMS if platform.c_library == "musl"]
