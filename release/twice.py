"""Builds the last commit in two folders and compares every byte: `make release-twice`.

The folders' names, the time zones, the languages and the masks of file modes differ. It takes as long as two releases.
"""

import os
import shutil
import subprocess
import sys

from crates import ROOT

WORK = ROOT / "target" / "release-twice"
BUILDS = [
    (WORK / "one", {"TZ": "UTC", "LANG": "C.UTF-8"}, 0o022),
    (WORK / "another" / "folder", {"TZ": "Asia/Kolkata", "LANG": "C"}, 0o077),
]


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    sums = [build(*arguments) for arguments in BUILDS]
    if sums[0] != sums[1]:
        # Lines of sums and names: those of one build only.
        sys.exit("\n".join(["These files differ:", *sorted(set(sums[0].splitlines()) ^ set(sums[1].splitlines()))]))
    print(f"every byte is the same:\n{sums[0]}", end="")


def build(folder, environment, mask):
    """The sums of what is built in a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    # Else both would build into one folder.
    environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"} | environment
    subprocess.run(["make", "release"], cwd=folder, check=True, env=environment, umask=mask)
    return (folder / "target" / "release-files" / "SHA256SUMS").read_text()


if __name__ == "__main__":
    main()
