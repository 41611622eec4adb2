package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
    @Test
    void given_a_platform_that_an_archive_lacks_when_loaded_then_the_error_says_what_it_has() {
        String message =
                NativeLibrary.missing(
                        "linux-aarch64-musl", List.of("linux-x86_64-glibc", "linux-x86_64-musl"));
        assertEquals(
                "This archive has no native library for this platform, linux-aarch64-musl: it has those"
                        + " for linux-x86_64-glibc, linux-x86_64-musl. Install the released archive, which"
                        + " has it, or one that was built on such a machine.",
                message);
        message = NativeLibrary.missing("linux-riscv64-glibc", List.of());
        assertEquals(
                "This archive has no native library for this platform, linux-riscv64-glibc: it has"
                        + " none. Build the archive on such a machine (make nar).",
                message);
    }

    @Test
    void given_a_library_for_a_newer_glibc_when_loaded_then_the_advice_is_another_archive() {
        String said = "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found";
        assertTrue(NativeLibrary.advice(said).contains("newer glibc"));
        assertTrue(NativeLibrary.advice("file too short").contains("java.io.tmpdir"));
    }

    @Test
    void given_a_file_that_is_no_library_when_loaded_then_the_error_says_so_and_no_copy_stays(
            @TempDir Path folder) throws IOException {
        Path wrong = Files.createFile(folder.resolve("wrong.so"));
        System.setProperty(NativeLibrary.PROPERTY, wrong.toString());
        try {
            HdfsCsvException e = assertThrows(HdfsCsvException.class, NativeLibrary::load);
            assertEquals("config", e.kind());
            String message = e.getMessage();
            assertTrue(message.contains("java.io.tmpdir"), message);
            Path copy = Path.of(message.replaceAll("(?s).* from (\\S+\\.so): .*", "$1"));
            assertTrue(copy.isAbsolute(), message);
            assertFalse(Files.exists(copy), message);
        } finally {
            System.clearProperty(NativeLibrary.PROPERTY);
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(1, files.count());
        }
    }
}
