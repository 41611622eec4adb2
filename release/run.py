"""Runs what a release holds under the loader of each platform: `make release-check` calls it after `make release`.

A platform's library is loaded and driven through its JNI methods by release/host.c: there is no JVM for most platforms here.
It writes a table to a real HDFS. The library's unit tests run as builds for musl, on both processors. aarch64 is emulated.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import build
from crates import ROOT, output
from platforms import LIBRARY, PLATFORMS, TOOL_PLATFORMS

STACK = "release-check"
TOPIC = "persistent://t/n/visits"
ROWS = [f"row {number} – é" for number in range(1000)]
SINK = {
    "tenant": "t", "namespace": "n", "name": "s", "cluster": "c", "subscription": "t/n/s", "inputs": [TOPIC], "topicsPattern": None,
    "processingGuarantees": "EFFECTIVELY_ONCE", "retainOrdering": False, "retainKeyOrdering": False, "cleanupSubscription": False,
    "subscriptionPosition": "Earliest", "looksIntoGaps": True, "timeoutMs": None, "instance": 0, "instances": 1,
}


def main():
    if os.uname().machine != "x86_64":
        sys.exit("make release-check runs on x86_64: it emulates aarch64, and not the other way round")
    tools = build.commands_folder()
    loaders = Path(output(ROOT / "tool" / "fetch-release-loaders").strip())
    with tempfile.TemporaryDirectory() as folder:
        hosts = {platform: host(tools, platform, Path(folder)) for platform in PLATFORMS}
        for platform, program in hosts.items():
            refuses(platform, [*runner(loaders, platform), program])
        commands(loaders)
        write_tables(loaders, hosts, Path(folder))
    subprocess.run([ROOT / "docker" / "official-image" / "check.sh", *build.FILES.glob("*.nar")], check=True)
    unit_tests(tools, loaders)


def runner(loaders, platform):
    """What a dynamic program of the platform is started with on this machine."""
    native, foreign = loaders / "amd64", loaders / "arm64"
    start = emulator(loaders, platform)
    return {
        "linux-x86_64-glibc": [],
        "linux-x86_64-musl": [native / "lib" / "ld-musl-x86_64.so.1"],
        "linux-aarch64-glibc": [*start, "-L", native / "usr" / "aarch64-linux-gnu"],
        "linux-aarch64-musl": [*start, foreign / "lib" / "ld-musl-aarch64.so.1"],
    }[platform.name]


def emulator(loaders, platform):
    """What a static program of the platform is started with on this machine."""
    return [loaders / "amd64" / "usr" / "bin" / "qemu-aarch64-static"] if platform.processor == "aarch64" else []


def host(tools, platform, folder):
    """Compiles host.c for a platform."""
    target = platform.zig_target.replace("-unknown", "")
    headers = Path(shutil.which("javac")).resolve().parent.parent / "include"
    program = folder / platform.name
    command = [tools / "python-zig", "cc", "-target", target, "-dynamic", "-O1", "-Wall", "-Werror"]
    command += [f"-I{headers}", f"-I{headers / 'linux'}", ROOT / "release" / "host.c", "-o", program]
    subprocess.run(command, check=True)
    return program


def drive(command, platform, *arguments):
    """What the host says of a library."""
    library = build.built("library", platform) / LIBRARY
    done = subprocess.run([*command, library, *arguments], stdout=subprocess.PIPE, text=True, timeout=300)
    if done.returncode:
        sys.exit(f"{platform.name}: {done.stdout}the host ended with {done.returncode}")
    return done.stdout


def refuses(platform, command):
    """The library is loaded, its methods are registered, and its errors come as exceptions."""
    java = (ROOT / "java-shim/src/main/java/io/hdfscsv/pulsar/NativeMethods.java").read_text()
    methods = f"{java.count(' static native ')} methods\n"
    configs = {"directory": "hdfs://127.0.0.1:9/events", "openTimeout": "1s"}
    expect(platform, drive(command, platform, "open", settings(configs | {"noSuchKey": 1})), methods, "config: ", "noSuchKey")
    expect(platform, drive(command, platform, "open", settings(configs)), methods, "storage: ", "openTimeout")
    print(f"{platform.name}: the library loads, and refuses what is wrong", flush=True)


def settings(configs):
    return json.dumps({"configs": configs, "sink": SINK})


def expect(platform, said, *words):
    missing = [word for word in words if word not in said]
    if missing:
        sys.exit(f"{platform.name}: {missing} is not in what the host says:\n{said}")


def commands(loaders):
    """hdfs-csv runs: it is static and needs no loader."""
    for platform in TOOL_PLATFORMS:
        command, = build.FILES.glob(f"hdfs-csv-*-linux-{platform.processor}")
        said = output(*emulator(loaders, platform), command, "--version")
        expect(platform, said, build.project_version())
        ddl = output(*emulator(loaders, platform), command, "ddl", "hive")
        expect(platform, ddl, "CREATE")
        print(f"{command.name}: {said.strip()}", flush=True)


def write_tables(loaders, hosts, folder):
    """Each library writes the same records to HDFS, and the files say the same."""
    stack = ROOT / "target" / "release" / "hdfs-csv-stack"
    records = folder / "records"
    records.write_bytes(entry(ROWS))
    state = folder / "stack.json"
    subprocess.run([stack, "up", "--name", STACK, "--state", state], check=True, stdout=subprocess.DEVNULL)
    try:
        address = json.loads(state.read_text())["hdfs_url"]
        for platform, program in hosts.items():
            directory = f"/{platform.name}"
            configs = {"directory": address + directory, "commitInterval": "1s"}
            command = [*runner(loaders, platform), program]
            schema = json.dumps({"type": "STRING", "schema": "", "properties": {}, "version": "0000000000000000"})
            # The superuser of this HDFS is who started it.
            said = drive(command, platform, "write", settings(configs), TOPIC, schema, records)
            expect(platform, said, "source partition 0, schema 0\n", "committed\n", "closed\n")
            written = output(stack, "dfs", "--name", STACK, "-cat", f"{directory}/visits/[!_]*")
            if written.splitlines() != ROWS:
                sys.exit(f"{platform.name}: the table is not what was handed over:\n{written[:2000]}")
            print(f"{platform.name}: the library wrote {len(ROWS)} rows to HDFS", flush=True)
    finally:
        subprocess.run([stack, "down", "--name", STACK], check=True, stdout=subprocess.DEVNULL)


def entry(texts):
    """A producer's batch as docs/understand/hand-over.md lays it out."""
    payloads = [text.encode() for text in texts]
    records = b"".join(
        struct.pack("<II", len(payload), index << 4) + payload for index, payload in enumerate(payloads)
    )
    header = struct.pack("<IIIIQQq", 40 + len(records), len(payloads), 0, 0, 1, 0, 1_700_000_000_000)
    return header + records


def unit_tests(tools, loaders):
    """Those of the library, as static builds for musl."""
    what = ["--lib", "--no-run", "--message-format", "json"]
    built = build.cargo(tools, build.source_date(), build.CONNECTOR, what, TOOL_PLATFORMS, [], build.WORK / "tool", "test")
    messages = [json.loads(line) for line in built.splitlines() if line.startswith("{")]
    programs = [message["executable"] for message in messages if message.get("executable")]
    for platform in TOOL_PLATFORMS:
        program, = (program for program in programs if f"/{platform.rust_target}/" in program)
        print(f"{platform.name}: unit tests", flush=True)
        subprocess.run([*emulator(loaders, platform), program, "--quiet"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
