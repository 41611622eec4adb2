#!/usr/bin/env python3
"""Fetches a Python package with pip, once, into the user's cache, and prints the folder to put on PYTHONPATH.

Takes the package with its version, as pip does: fastavro==1.13.1. What it depends on is not fetched. The folder appears as a
whole: another test may make it at the same time.
"""

import os
import pathlib
import subprocess
import sys
import tempfile


def main(package):
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    cache = pathlib.Path(cache) / "pulsar-io-hdfs-csv"
    site = cache / package
    if not site.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as unfinished:
            target = pathlib.Path(unfinished) / "site"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, "--target", target, package], check=True, stdout=sys.stderr)
            try:
                target.rename(site)
            except OSError:
                if not site.is_dir():
                    raise
    print(site)


if __name__ == "__main__":
    main(sys.argv[1])
