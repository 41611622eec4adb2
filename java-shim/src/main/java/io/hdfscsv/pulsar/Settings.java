package io.hdfscsv.pulsar;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.pulsar.common.io.SinkConfig;
import org.apache.pulsar.io.core.SinkContext;

/**
 * What {@code open} passes to the native library: the configuration, and what Pulsar says about the
 * sink.
 */
final class Settings {
    private Settings() {}

    static byte[] of(Map<String, Object> configs, SinkContext context) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("configs", configs);
        settings.put("sink", sink(context));
        return Json.bytes(settings);
    }

    private static Map<String, Object> sink(SinkContext context) {
        SinkConfig config = context.getSinkConfig();
        SourceSettings.check(config);
        Map<String, Object> sink = new LinkedHashMap<>();
        sink.put("tenant", context.getTenant());
        sink.put("namespace", context.getNamespace());
        sink.put("name", context.getSinkName());
        sink.put("cluster", Cluster.nameOf(context));
        sink.put("subscription", subscription(config, context));
        sink.put("processingGuarantees", config.getProcessingGuarantees());
        sink.put("retainOrdering", Boolean.TRUE.equals(config.getRetainOrdering()));
        sink.put("retainKeyOrdering", Boolean.TRUE.equals(config.getRetainKeyOrdering()));
        sink.put("cleanupSubscription", !Boolean.FALSE.equals(config.getCleanupSubscription()));
        sink.put("subscriptionPosition", config.getSourceSubscriptionPosition());
        sink.put("looksIntoGaps", true);
        sink.put("timeoutMs", config.getTimeoutMs());
        sink.put("instance", context.getInstanceId());
        sink.put("instances", context.getNumInstances());
        sink.put("inputs", inputs(config));
        sink.put("topicsPattern", topicsPattern(config));
        return sink;
    }

    /** The functions worker's own default, which the sink's configuration does not show. */
    static String subscription(SinkConfig config, SinkContext context) {
        String name = config.getSourceSubscriptionName();
        return name != null && !name.isBlank()
                ? name
                : context.getTenant() + "/" + context.getNamespace() + "/" + context.getSinkName();
    }

    /** The worker lists a pattern among the inputs too: only the specs tell them apart. */
    static Collection<String> inputs(SinkConfig config) {
        if (config.getInputSpecs() == null) {
            return config.getInputs() == null ? List.of() : config.getInputs();
        }
        List<String> inputs = new ArrayList<>();
        config.getInputSpecs()
                .forEach(
                        (topic, spec) -> {
                            if (!spec.isRegexPattern()) {
                                inputs.add(topic);
                            }
                        });
        return inputs;
    }

    static Collection<String> topicsPatterns(SinkConfig config) {
        Set<String> patterns = new LinkedHashSet<>();
        if (config.getTopicsPattern() != null) {
            patterns.add(config.getTopicsPattern());
        }
        if (config.getInputSpecs() != null) {
            config.getInputSpecs()
                    .forEach(
                            (topic, spec) -> {
                                if (spec.isRegexPattern()) {
                                    patterns.add(topic);
                                }
                            });
        }
        return patterns;
    }

    /** The first one; null for none. */
    private static String topicsPattern(SinkConfig config) {
        return topicsPatterns(config).stream().findFirst().orElse(null);
    }

    /**
     * Keys that the functions worker took away: told to ignore unknown ones ({@code
     * ignoreUnknownConfigFields}), it gives the sink those of {@link HdfsCsvSinkConfig} only.
     */
    static Set<String> ignoredKeys(Map<String, Object> configs, SinkConfig config) {
        Map<String, Object> written = config.getConfigs();
        Set<String> ignored = new TreeSet<>(written == null ? Set.of() : written.keySet());
        ignored.removeAll(configs.keySet());
        return ignored;
    }
}
