package io.hdfscsv.pulsar;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * Opens and closes the native library on a bare JVM, once for each line of settings that it is
 * given, and answers each with a line: milliseconds, the kind of error, and the message in base64;
 * or milliseconds and {@code open}.
 */
final class OpenProbe {
    private OpenProbe() {}

    public static void main(String[] arguments) throws IOException {
        NativeLibrary.load();
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(probe(line.getBytes(StandardCharsets.UTF_8)));
            System.out.flush();
        }
    }

    private static String probe(byte[] settings) {
        long begin = System.nanoTime();
        try {
            long sink = NativeMethods.open(settings);
            String answer = millisSince(begin) + " open -";
            NativeMethods.close(sink, 5_000);
            return answer;
        } catch (HdfsCsvException e) {
            byte[] message = e.getMessage().getBytes(StandardCharsets.UTF_8);
            return millisSince(begin)
                    + " "
                    + e.kind()
                    + " "
                    + Base64.getEncoder().encodeToString(message);
        }
    }

    private static long millisSince(long begin) {
        return (System.nanoTime() - begin) / 1_000_000;
    }
}
