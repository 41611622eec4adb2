package io.hdfscsv.pulsar;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/**
 * Loads the native library, once per class loader.
 *
 * <p>A JVM loads a file for one class loader only, and the thread runtime has a class loader per
 * archive. So each loads a copy of its own, whose file is deleted as soon as it is mapped.
 */
final class NativeLibrary {
    /** Names a library file to load in place of the archive's. */
    static final String PROPERTY = "hdfscsv.library";

    private static boolean loaded;

    private NativeLibrary() {}

    static synchronized void load() {
        if (!loaded) {
            loadCopy();
            loaded = true;
        }
    }

    private static void loadCopy() {
        Path copy = null;
        try (InputStream library = source()) {
            copy =
                    Files.createTempFile(
                            "hdfs-csv-", "-" + System.mapLibraryName("pulsar_io_hdfs_csv"));
            Files.copy(library, copy, StandardCopyOption.REPLACE_EXISTING);
            System.load(copy.toAbsolutePath().toString());
        } catch (IOException | UnsatisfiedLinkError e) {
            throw new HdfsCsvException(
                    "config",
                    "The native library cannot be loaded from "
                            + (copy == null ? "a copy" : copy)
                            + ": "
                            + e.getMessage()
                            + ". The temporary folder must have room and allow execution: name another with"
                            + " -Djava.io.tmpdir.",
                    e);
        } finally {
            delete(copy);
        }
    }

    private static InputStream source() throws IOException {
        String file = System.getProperty(PROPERTY);
        if (file != null) {
            return Files.newInputStream(Path.of(file));
        }
        String resource = resource(System.getProperty("os.name"), System.getProperty("os.arch"));
        InputStream library = NativeLibrary.class.getResourceAsStream(resource);
        if (library == null) {
            throw new HdfsCsvException(
                    "config",
                    "This archive has no native library for this platform ("
                            + resource
                            + "). Use one that was built for it.");
        }
        return library;
    }

    /** Where the archive keeps the library for a platform, in Java's names for it. */
    static String resource(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT).replace(" ", "");
        String arch =
                switch (osArch.toLowerCase(Locale.ROOT)) {
                    case "amd64", "x86_64" -> "x86_64";
                    case "aarch64", "arm64" -> "aarch64";
                    default -> osArch;
                };
        return "/native/" + os + "-" + arch + "/" + System.mapLibraryName("pulsar_io_hdfs_csv");
    }

    private static void delete(Path copy) {
        if (copy == null) {
            return;
        }
        try {
            Files.deleteIfExists(copy);
        } catch (IOException e) {
            copy.toFile().deleteOnExit();
        }
    }
}
