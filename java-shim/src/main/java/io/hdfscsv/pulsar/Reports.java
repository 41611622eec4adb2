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
    private final Map<String, Double> totals = new HashMap<>();

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
        byte[] metrics = sink.metrics();
        if (metrics != null) {
            Json.parse(metrics)
                    .getAsJsonObject()
                    .entrySet()
                    .forEach(metric -> record(metric.getKey(), metric.getValue().getAsDouble()));
        }
    }

    /**
     * Pulsar makes a summary of what it is told: a gauge's values are right as they are, a counter
     * must be told as its increases so that their sum is the counter.
     */
    private void record(String name, double value) {
        if (!name.endsWith(TOTAL)) {
            context.recordMetric(name, value);
            return;
        }
        Double before = totals.put(name, value);
        double increase = before == null ? value : value - before;
        if (before == null || increase > 0) {
            context.recordMetric(name, increase);
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
