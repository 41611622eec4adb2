package io.hdfscsv.pulsar;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.HashMap;
import java.util.Map;
import org.apache.pulsar.io.core.SinkContext;
import org.slf4j.Logger;

/** Passes the native library's log lines and metrics on to Pulsar. */
final class Reports {
    /** Names of counters end so. */
    private static final String TOTAL = "_total";

    private final NativeSink sink;
    private final SinkContext context;
    private final Logger logger;
    private final Map<String, Double> told = new HashMap<>();
    private boolean ended;

    Reports(NativeSink sink, SinkContext context) {
        this.sink = sink;
        this.context = context;
        logger = context.getLogger();
    }

    synchronized void logs() {
        byte[] lines = sink.logs();
        if (lines != null) {
            for (JsonElement line : Json.parse(lines).getAsJsonArray()) {
                log(line.getAsJsonObject());
            }
        }
    }

    synchronized void metrics() {
        byte[] metrics = ended ? null : sink.metrics();
        if (metrics != null) {
            Json.parse(metrics)
                    .getAsJsonObject()
                    .entrySet()
                    .forEach(metric -> record(metric.getKey(), metric.getValue().getAsDouble()));
        }
    }

    /** The gauges of a sink that is closed are 0: the worker may keep what it was told. */
    synchronized void end() {
        ended = true;
        told.forEach(
                (name, value) -> {
                    if (!name.endsWith(TOTAL) && value != 0) {
                        context.recordMetric(name, -value);
                    }
                });
    }

    /**
     * Pulsar makes a summary of what it is told, whose sum is all that is exact and of now: so each
     * is told by what it has changed by. A gauge is told also when it has not, to be seen alive.
     */
    private void record(String name, double value) {
        Double before = told.put(name, value);
        double change = before == null ? value : value - before;
        if (before == null || change != 0 || !name.endsWith(TOTAL)) {
            context.recordMetric(name, change);
        }
    }

    private void log(JsonObject line) {
        String target = line.get("target").getAsString();
        String message = line.get("message").getAsString();
        switch (line.get("level").getAsString()) {
            case "ERROR" -> logger.error("{}: {}", target, message);
            case "WARN" -> logger.warn("{}: {}", target, message);
            case "INFO" -> logger.info("{}: {}", target, message);
            case "DEBUG" -> logger.debug("{}: {}", target, message);
            default -> logger.trace("{}: {}", target, message);
        }
    }
}
