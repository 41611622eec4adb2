package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlatformTest {
    private static final String ANONYMOUS =
            "7ffe0f5a8000-7ffe0f5c9000 rw-p 00000000 00:00 0                          [stack]";

    private static String line(String path) {
        return "7f0c6a028000-7f0c6a17d000 r-xp 00028000 fe:00 1835048                    " + path;
    }

    private static String cLibrary(String... paths) {
        List<String> java = List.of(ANONYMOUS, "", line("/opt/java/lib/server/libjvm.so"));
        List<String> own = List.of(paths).stream().map(PlatformTest::line).toList();
        return Platform.cLibrary(List.of(java, own).stream().flatMap(List::stream).toList());
    }

    @Test
    void given_javas_names_of_a_platform_when_asked_then_the_name_is_the_archives() {
        assertEquals("linux-x86_64", Platform.name("Linux", "amd64"));
        assertEquals("linux-aarch64", Platform.name("Linux", "aarch64"));
        assertEquals("macosx-aarch64", Platform.name("Mac OS X", "arm64"));
        assertEquals("linux-riscv64", Platform.name("Linux", "riscv64"));
    }

    @Test
    void given_this_jvm_when_asked_then_it_is_a_platform_of_a_release() {
        assertTrue(Platform.RELEASED.contains(Platform.current()), Platform.current());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/usr/lib/x86_64-linux-gnu/libc.so.6",
                "/lib64/libc-2.17.so",
                "/usr/lib/aarch64-linux-gnu/libc-2.31.so",
                "/usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)",
            })
    void given_a_file_of_glibcs_when_asked_then_it_is_glibc(String path) {
        assertEquals("glibc", cLibrary("/usr/lib/libz.so.1", path));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/lib/ld-musl-x86_64.so.1",
                "/lib/ld-musl-aarch64.so.1",
                "/lib/ld-musl-x86_64.so.1 (deleted)",
                "/usr/lib/libc.so",
                "/lib/libc.musl-x86_64.so.1",
            })
    void given_a_file_of_musls_when_asked_then_it_is_musl(String path) {
        assertEquals("musl", cLibrary("/usr/lib/libstdc++.so.6.0.33", path));
    }

    @Test
    void given_musl_with_gcompat_when_asked_then_it_is_musl() {
        // As in the official Pulsar image, which preloads it.
        assertEquals(
                "musl",
                cLibrary(
                        "/lib/libgcompat.so.0",
                        "/usr/lib/libucontext.so.1",
                        "/lib/ld-musl-x86_64.so.1"));
        assertEquals("musl", cLibrary("/lib/libc.so.6", "/lib/ld-musl-x86_64.so.1"));
    }

    @Test
    void given_neither_when_asked_then_the_error_says_what_to_do() {
        HdfsCsvException e =
                assertThrows(
                        HdfsCsvException.class,
                        () ->
                                cLibrary(
                                        "/opt/libc.so.6/other.so",
                                        "/opt/my-libc.so",
                                        "/opt/libc.so.6x"));
        assertEquals("config", e.kind());
        assertTrue(e.getMessage().contains("/proc/self/maps"), e.getMessage());
        assertTrue(e.getMessage().contains("-Dhdfscsv.library="), e.getMessage());
    }
}
