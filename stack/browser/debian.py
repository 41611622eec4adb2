"""Fetches Debian's chromium, and what it needs that is not installed, into a folder: `debian.py DIRECTORY`.

Nothing is installed, so any user may do it. DIRECTORY/chromium is the command.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

PACKAGES = ["chromium", "fonts-dejavu-core"]
PLANNED = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", re.MULTILINE)
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{root}/usr/share/fonts</dir><cachedir>{root}/fonts</cachedir></fontconfig>
"""
COMMAND = """#!/bin/sh
export LD_LIBRARY_PATH='{libraries}' FONTCONFIG_FILE='{root}/fonts.conf'
exec '{root}/usr/lib/chromium/chromium' "$@"
"""


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def planned():
    return PLANNED.findall(run("apt-get", "install", "--simulate", "--no-install-recommends", *PACKAGES))


def main():
    directory = Path(sys.argv[1])
    try:
        packages = planned()
    except subprocess.CalledProcessError:
        if os.geteuid():
            raise
        run("apt-get", "update")
        packages = planned()
    downloads, root = directory / "packages", directory / "root"
    downloads.mkdir()
    # apt would download as a user of its own, who cannot write here.
    run("apt-get", "-o", "APT::Sandbox::User=root", "download", *(f"{name}={version}" for name, version in packages), cwd=downloads)
    for package in sorted(downloads.glob("*.deb")):
        run("dpkg", "-x", str(package), str(root))
        package.unlink()
    libraries = sorted({str(file.parent) for part in ["lib", "usr/lib"] for file in (root / part).rglob("*.so*")})
    (root / "fonts.conf").write_text(FONTS.format(root=root))
    command = directory / "chromium"
    command.write_text(COMMAND.format(root=root, libraries=os.pathsep.join(libraries)))
    command.chmod(0o755)


if __name__ == "__main__":
    main()
