package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
    @Test
    void given_javas_names_of_a_platform_when_asked_then_the_resource_is_the_archives() {
        String file = System.mapLibraryName("pulsar_io_hdfs_csv");
        assertEquals("/native/linux-x86_64/" + file, NativeLibrary.resource("Linux", "amd64"));
        assertEquals("/native/linux-aarch64/" + file, NativeLibrary.resource("Linux", "aarch64"));
        assertEquals("/native/macosx-aarch64/" + file, NativeLibrary.resource("Mac OS X", "arm64"));
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
