package io.hdfscsv.pulsar;

/**
 * Why the sink cannot go on. The native library throws it, by its name and this constructor; the
 * message says what to do, and is what {@code pulsar-admin sinks status} shows of a failed open.
 */
public final class HdfsCsvException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String kind;

    /**
     * @param kind {@code config}, {@code storage}, {@code protocol}, {@code record}, {@code closed}
     *     or {@code bug} from the native library; {@code pulsar} from this side, when the broker
     *     does not do what is needed
     * @param message what is wrong, and what to do
     */
    public HdfsCsvException(String kind, String message) {
        super(message);
        this.kind = kind;
    }

    HdfsCsvException(String kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** What kind of failure it is; see the constructor. */
    public String kind() {
        return kind;
    }
}
