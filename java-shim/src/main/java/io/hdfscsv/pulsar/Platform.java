package io.hdfscsv.pulsar;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * What the archive calls a platform: the system, the processor and, on Linux, the C library. A
 * native library for one C library cannot be loaded into a process of the other.
 */
final class Platform {
    /** Those that a released archive has libraries for. */
    static final List<String> RELEASED =
            List.of(
                    "linux-x86_64-glibc",
                    "linux-x86_64-musl",
                    "linux-aarch64-glibc",
                    "linux-aarch64-musl");

    private static final Path MAPPED = Path.of("/proc/self/maps");

    /** musl's loader is its C library, too. Some distributions show it by the name it links to. */
    private static final Pattern MUSL = Pattern.compile("ld-musl-.+|libc\\.musl-.+|libc\\.so");

    /** Before version 2.34 the mapped file has the version in its name. */
    private static final Pattern GLIBC = Pattern.compile("libc\\.so\\.6|libc-2\\.[0-9]+\\.so");

    private Platform() {}

    /** The platform of this JVM. */
    static String current() {
        String name = name(System.getProperty("os.name"), System.getProperty("os.arch"));
        return name.startsWith("linux-") ? name + "-" + cLibrary(mapped()) : name;
    }

    /** The system and the processor, in Java's names for them. */
    static String name(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT).replace(" ", "");
        String arch =
                switch (osArch.toLowerCase(Locale.ROOT)) {
                    case "amd64", "x86_64" -> "x86_64";
                    case "aarch64", "arm64" -> "aarch64";
                    default -> osArch;
                };
        return os + "-" + arch;
    }

    /**
     * The C library among the files that a process has mapped, as {@code /proc/self/maps} lists
     * them. A process of musl that has names of glibc's has them from gcompat, and stays musl's.
     */
    static String cLibrary(List<String> mapped) {
        if (names(mapped, MUSL)) {
            return "musl";
        }
        if (names(mapped, GLIBC)) {
            return "glibc";
        }
        throw unknownCLibrary("it names neither glibc's libc.so.6 nor musl's ld-musl-*.so", null);
    }

    private static boolean names(List<String> mapped, Pattern library) {
        return mapped.stream().anyMatch(line -> library.matcher(fileName(line)).matches());
    }

    /** Of a line of {@code /proc/self/maps}; empty for memory that is no file. */
    private static String fileName(String line) {
        // An upgrade of the system takes the file away and leaves it mapped.
        String path = line.replaceFirst(" \\(deleted\\)$", "");
        int folder = path.lastIndexOf('/');
        return folder < 0 ? "" : path.substring(folder + 1);
    }

    private static List<String> mapped() {
        try {
            return Files.readAllLines(MAPPED);
        } catch (IOException e) {
            throw unknownCLibrary(e.toString(), e);
        }
    }

    private static HdfsCsvException unknownCLibrary(String why, IOException cause) {
        return new HdfsCsvException(
                "config",
                "Which C library this JVM runs on cannot be read from "
                        + MAPPED
                        + ": "
                        + why
                        + ". Name the native library's file with -D"
                        + NativeLibrary.PROPERTY
                        + "=/path/of/it.",
                cause);
    }
}
