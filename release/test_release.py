"""`make quick` runs these, with what tool/checks.txt names."""

import os
import re
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import bom
import check
import elf
import jars
import licences
from crates import ROOT, Crate
from elf import Elf
from platforms import PLATFORMS

GLIBC, MUSL = PLATFORMS[0], PLATFORMS[1]


def library(**facts):
    return Elf(**({"processor": "x86_64", "needed": ["libc.so.6"], "versions": {"GLIBC_2.17"}, "stays": True} | facts))


class ElfFiles(unittest.TestCase):
    def test_what_a_program_of_this_machine_needs_is_read(self):
        found = elf.read(Path(sys.executable).resolve())
        self.assertEqual(found.processor, os.uname().machine)
        self.assertTrue(found.interpreter.startswith("/lib"), found)
        self.assertTrue(any(name.startswith("libc.") for name in found.needed), found)
        self.assertFalse(found.stays)

    def test_what_is_no_whole_file_is_refused(self):
        whole = Path(sys.executable).resolve().read_bytes()
        for data in [b"", b"no ELF", whole[:5], whole[:70]]:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "file"
                file.write_bytes(data)
                self.assertRaises(ValueError, elf.read, file)


class Rules(unittest.TestCase):
    def refused(self, elf, platform, *words):
        problems = list(check.library_problems(elf, platform))
        self.assertEqual(len(problems), len(words), problems)
        for problem, word in zip(problems, words):
            self.assertIn(word, problem)

    def test_a_library_for_any_glibc_is_fine(self):
        needed = ["libm.so.6", "libpthread.so.0", "libc.so.6", "libdl.so.2", "ld-linux-x86-64.so.2"]
        self.refused(library(needed=needed, versions={"GLIBC_2.2.5", "GLIBC_2.17"}), GLIBC)

    def test_a_library_for_musl_is_fine(self):
        self.refused(library(needed=["libc.so"], versions=set()), MUSL)

    def test_each_broken_rule_is_named(self):
        self.refused(library(versions={"GLIBC_2.18", "GLIBC_2.4"}), GLIBC, "GLIBC_2.18, which is newer than 2.17")
        self.refused(library(versions={"GCC_3.0"}), GLIBC, "GCC_3.0")
        self.refused(library(needed=["libc.so.6", "libgcc_s.so.1"]), GLIBC, "libgcc_s.so.1")
        self.refused(library(processor="aarch64"), GLIBC, "it is for aarch64")
        self.refused(library(stays=False), GLIBC, "nodelete")
        self.refused(library(interpreter="/lib64/ld-linux-x86-64.so.2"), GLIBC, "program")
        self.refused(library(needed=["libc.so", "libgcc_s.so.1"], versions=set()), MUSL, "libgcc_s", "libc.so alone")
        self.refused(library(needed=[], versions=set()), MUSL, "libc.so alone")
        self.refused(library(needed=["libc.so"]), MUSL, "GLIBC_2.17")

    def test_a_command_has_to_be_static(self):
        self.assertEqual(list(check.tool_problems(Elf("x86_64"), MUSL)), [])
        self.assertEqual(len(list(check.tool_problems(Elf("x86_64", needed=["libc.so"]), MUSL))), 1)
        self.assertEqual(len(list(check.tool_problems(Elf("aarch64", "/lib/ld-musl-aarch64.so.1"), MUSL))), 2)


class Names(unittest.TestCase):
    def test_the_platforms_are_those_that_java_chooses_among(self):
        java = (ROOT / "java-shim/src/main/java/io/hdfscsv/pulsar/Platform.java").read_text()
        self.assertEqual(re.findall(r'"(linux-\w+-\w+)"', java), [platform.name for platform in PLATFORMS])

    def test_the_oldest_glibc_goes_to_the_linker(self):
        targets = [platform.zig_target for platform in PLATFORMS]
        self.assertEqual(
            targets,
            ["x86_64-unknown-linux-gnu.2.17", "x86_64-unknown-linux-musl", "aarch64-unknown-linux-gnu.2.17", "aarch64-unknown-linux-musl"],
        )


class Contents(unittest.TestCase):
    def crate(self, folder, name, licence="MIT", checksum="0" * 64, **files):
        place = Path(folder) / name
        place.mkdir()
        for file, text in files.items():
            (place / file).write_text(text)
        return Crate(name, "1.0.0", licence, place, checksum)

    def test_each_text_stands_once_with_all_that_it_is_of(self):
        with tempfile.TemporaryDirectory() as folder:
            crates = [
                self.crate(folder, "a", LICENSE="One.\n"), self.crate(folder, "b", **{"LICENSE-MIT": "One.\r\n\n", "NOTICE": "Two."}),
                self.crate(folder, "own", checksum=None), self.crate(folder, "c"),
            ]
            (crates[-1].folder / "LICENSES").mkdir()
            (crates[-1].folder / "LICENSES" / "MIT.txt").write_text("Three.")
            text = licences.third_parties(crates, [], [])
        self.assertEqual(text.count("One."), 1)
        self.assertIn("Of a 1.0.0, b 1.0.0:\n\nOne.", text)
        self.assertIn("Of b 1.0.0:\n\nTwo.", text)
        self.assertIn("Of c 1.0.0:\n\nThree.", text)
        self.assertNotIn("own", text)

    def test_a_crate_without_a_text_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(ValueError, "bare 1.0.0 .MIT. has no licence file"):
                licences.third_parties([self.crate(folder, "bare")], [], [])
            taken = self.crate(folder, "jni", "MIT OR Apache-2.0")
            self.assertIn("Apache License", licences.third_parties([taken], [], []))

    def test_a_jar_says_what_it_is_or_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "gson-2.8.9.jar"
            for artifact, refused in [("gson", False), ("other", True)]:
                with zipfile.ZipFile(path, "w") as file:
                    facts = f"#\nversion=2.8.9\ngroupId=com.google.code.gson\nartifactId={artifact}\n"
                    file.writestr(f"META-INF/maven/com.google.code.gson/{artifact}/pom.properties", facts)
                if refused:
                    self.assertRaisesRegex(ValueError, "has no licence", jars.read, Path(folder))
                else:
                    found, = jars.read(Path(folder))
                    self.assertEqual(found.purl, "pkg:maven/com.google.code.gson/gson@2.8.9?type=jar")

    def test_the_bill_of_materials_refers_to_what_it_names(self):
        with tempfile.TemporaryDirectory() as folder:
            one, two = self.crate(folder, "one"), self.crate(folder, "two", "MIT OR Apache-2.0")
        runtime = licences.Runtime("musl", "1.2.5", "MIT", ())
        parts = {"archive": [one, two, runtime], "command": [two]}
        made = bom.bill_of_materials("0.1.0", 1_800_000_000, {"rustc": "1.95.0"}, parts)
        references = [component["bom-ref"] for component in made["components"]]
        self.assertEqual(len(references), len(set(references)))
        self.assertEqual(references, ["archive", "command", "musl@1.2.5", "pkg:cargo/one@1.0.0", "pkg:cargo/two@1.0.0"])
        of = {entry["ref"]: entry["dependsOn"] for entry in made["dependencies"]}
        self.assertEqual(of["command"], ["pkg:cargo/two@1.0.0"])
        self.assertEqual(made["metadata"]["timestamp"], "2027-01-15T08:00:00Z")
        self.assertEqual(made, bom.bill_of_materials("0.1.0", 1_800_000_000, {"rustc": "1.95.0"}, parts))


if __name__ == "__main__":
    unittest.main()
