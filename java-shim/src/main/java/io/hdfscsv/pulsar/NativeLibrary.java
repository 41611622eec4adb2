package io.hdfscsv.pulsar;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Loads the native library, once per class loader.
 *
 * <p>A JVM loads a file for one class loader only, and the thread runtime makes a class loader for
 * each start of an uploaded archive. What is loaded stays mapped. So the first class loader loads a
 * copy, whose file is deleted as soon as it is mapped, and those that follow share it.
 */
final class NativeLibrary {
    /** Names a library file to load in place of the archive's. */
    static final String PROPERTY = "hdfscsv.library";

    private static boolean loaded;

    private NativeLibrary() {}

    static synchronized void load() {
        if (!loaded) {
            String digest = digest();
            synchronized (SharedLibrary.lock()) {
                if (!SharedLibrary.use(digest)) {
                    loadCopy();
                    SharedLibrary.offer(digest);
                }
            }
            loaded = true;
        }
    }

    /** Tells a library from those of other versions. */
    private static String digest() {
        try (InputStream library = source()) {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            library.transferTo(new DigestOutputStream(OutputStream.nullOutputStream(), sha256));
            return HexFormat.of().formatHex(sha256.digest());
        } catch (IOException | NoSuchAlgorithmException e) {
            throw new HdfsCsvException(
                    "config",
                    "The native library in the archive cannot be read: "
                            + e.getMessage()
                            + ". Put a whole archive in place (sha256sum --check SHA256SUMS), and run"
                            + " pulsar-admin sinks reload",
                    e);
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
                            + ". "
                            + advice(String.valueOf(e.getMessage())),
                    e);
        } finally {
            delete(copy);
        }
    }

    /** What to do about what the system's loader said. */
    static String advice(String said) {
        // The loader's words for a symbol that a newer glibc has.
        return said.contains("version `GLIBC_")
                ? "The archive was built on a system with a newer glibc: install the released archive,"
                        + " or build it on this system."
                : "The temporary folder must have room and allow execution: name another with"
                        + " -Djava.io.tmpdir.";
    }

    private static InputStream source() throws IOException {
        String file = System.getProperty(PROPERTY);
        if (file != null) {
            return Files.newInputStream(Path.of(file));
        }
        String platform = Platform.current();
        InputStream library = NativeLibrary.class.getResourceAsStream(resource(platform));
        if (library == null) {
            throw new HdfsCsvException("config", missing(platform, contained()));
        }
        return library;
    }

    /** Where the archive keeps the library for a platform. */
    static String resource(String platform) {
        return "/native/" + platform + "/" + System.mapLibraryName("pulsar_io_hdfs_csv");
    }

    private static List<String> contained() {
        return Platform.RELEASED.stream()
                .filter(platform -> NativeLibrary.class.getResource(resource(platform)) != null)
                .toList();
    }

    /** What is said when an archive lacks the library for a platform. */
    static String missing(String platform, List<String> contained) {
        String has = contained.isEmpty() ? "none" : "those for " + String.join(", ", contained);
        String advice =
                Platform.RELEASED.contains(platform)
                        ? "Install the released archive, which has it, or one that was built on such a"
                                + " machine."
                        : "Build the archive on such a machine (make nar).";
        return "This archive has no native library for this platform, "
                + platform
                + ": it has "
                + has
                + ". "
                + advice;
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
