package io.hdfscsv.pulsar;

import java.nio.charset.StandardCharsets;

/**
 * Loads the native library that the archive on the class path has for this JVM, and opens a sink twice: with a key that there is
 * not, and on an address where no NameNode is. Both have to end in the error for it, the second one after a second.
 */
final class LoadCheck {
    private static final String SINK =
            "{\"tenant\":\"t\",\"namespace\":\"n\",\"name\":\"s\",\"cluster\":\"c\",\"subscription\":\"t/n/s\","
                    + "\"processingGuarantees\":\"EFFECTIVELY_ONCE\",\"retainOrdering\":false,\"retainKeyOrdering\":false,"
                    + "\"cleanupSubscription\":false,\"subscriptionPosition\":\"Earliest\",\"looksIntoGaps\":true,"
                    + "\"timeoutMs\":null,\"instance\":0,\"instances\":1,\"inputs\":[\"persistent://t/n/visits\"],"
                    + "\"topicsPattern\":null}";

    private LoadCheck() {}

    public static void main(String[] arguments) {
        System.out.println("platform: " + Platform.current());
        NativeLibrary.load();
        System.out.println("the native library is loaded");
        // Port 9 is nobody's: 127.0.0.1 refuses at once.
        String address = "\"directory\":\"hdfs://127.0.0.1:9/events\",\"openTimeout\":\"1s\"";
        expect("config", "noSuchKey", address + ",\"noSuchKey\":1");
        expect("storage", "openTimeout", address);
        System.out.println("the native library works on " + Platform.current());
    }

    private static void expect(String kind, String words, String configs) {
        String settings = "{\"configs\":{" + configs + "},\"sink\":" + SINK + "}";
        try {
            NativeMethods.open(settings.getBytes(StandardCharsets.UTF_8));
        } catch (HdfsCsvException e) {
            if (e.kind().equals(kind) && e.getMessage().contains(words)) {
                System.out.println("as expected: " + e.kind() + ": " + e.getMessage().lines().findFirst().orElse(""));
                return;
            }
            throw e;
        }
        throw new IllegalStateException("A sink was opened with " + configs);
    }
}
