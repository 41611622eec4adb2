package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.pulsar.client.api.SubscriptionInitialPosition;
import org.apache.pulsar.common.functions.ConsumerConfig;
import org.apache.pulsar.common.functions.FunctionConfig.ProcessingGuarantees;
import org.apache.pulsar.common.io.SinkConfig;
import org.apache.pulsar.io.core.SinkContext;
import org.junit.jupiter.api.Test;

class SettingsTest {
    private final SinkConfig config = new SinkConfig();
    private final Map<String, Object> configs = new LinkedHashMap<>();

    @Test
    void given_a_sink_when_opened_then_its_settings_have_the_shape_of_the_contract() {
        configs.put("directory", "/events");
        config.setProcessingGuarantees(ProcessingGuarantees.EFFECTIVELY_ONCE);
        config.setRetainOrdering(true);
        config.setRetainKeyOrdering(false);
        config.setCleanupSubscription(false);
        config.setSourceSubscriptionPosition(SubscriptionInitialPosition.Earliest);
        config.setInputs(List.of("persistent://marketplace/events/page_visit"));
        assertEquals(
                "{\"configs\":{\"directory\":\"/events\"},\"sink\":{\"tenant\":\"marketplace\",\"namespace\":\"events\","
                        + "\"name\":\"cold\",\"cluster\":null,\"subscription\":\"marketplace/events/cold\","
                        + "\"processingGuarantees\":\"EFFECTIVELY_ONCE\",\"retainOrdering\":true,\"retainKeyOrdering\":false,"
                        + "\"cleanupSubscription\":false,\"subscriptionPosition\":\"Earliest\","
                        + "\"looksIntoGaps\":true,\"timeoutMs\":null,"
                        + "\"instance\":1,\"instances\":2,\"inputs\":[\"persistent://marketplace/events/page_visit\"],"
                        + "\"topicsPattern\":null}}",
                settings());
    }

    @Test
    void given_numbers_from_the_worker_when_opened_then_whole_ones_are_whole() {
        configs.put("a", 1000.0);
        configs.put("b", 1.5);
        configs.put("c", 7);
        configs.put("d", Map.of("e", List.of(-3.0)));
        configs.put("f", null);
        configs.put("g", 1e300);
        assertTrue(
                settings()
                        .startsWith(
                                "{\"configs\":{\"a\":1000,\"b\":1.5,\"c\":7,\"d\":{\"e\":[-3]},\"f\":null,\"g\":1.0E300}"),
                settings());
    }

    @Test
    void given_a_pattern_among_the_inputs_when_opened_then_it_is_told_apart() {
        Map<String, ConsumerConfig> specs = new LinkedHashMap<>();
        specs.put("persistent://m/e/.*", ConsumerConfig.builder().isRegexPattern(true).build());
        specs.put("persistent://m/e/a", ConsumerConfig.builder().build());
        config.setInputs(specs.keySet());
        config.setInputSpecs(specs);
        config.setSourceSubscriptionName("mine");
        assertTrue(
                settings()
                        .endsWith(
                                "\"inputs\":[\"persistent://m/e/a\"],\"topicsPattern\":\"persistent://m/e/.*\"}}"),
                settings());
        assertTrue(settings().contains("\"subscription\":\"mine\""), settings());
    }

    @Test
    void given_keys_that_the_worker_took_away_when_opened_then_they_are_named() {
        configs.put("directory", "/events");
        config.setConfigs(Map.of("directory", "/events", "commitIntervall", "1s", "a", 1));
        assertEquals(Set.of("a", "commitIntervall"), Settings.ignoredKeys(configs, config));
        config.setConfigs(null);
        assertEquals(Set.of(), Settings.ignoredKeys(configs, config));
    }

    @Test
    void given_settings_that_change_what_the_sink_gets_when_opened_then_each_is_refused_by_name() {
        refuses("transformFunction", c -> c.setTransformFunction("builtin://f"));
        refuses("transformFunction", c -> c.setTransformFunctionClassName("a.F"));
        refuses("maxMessageRetries is 3", c -> c.setMaxMessageRetries(3));
        refuses("poolMessages: false", spec(b -> b.poolMessages(true)));
        refuses("schemaType is avro for a", spec(b -> b.schemaType("avro")));
        refuses("serdeClassName is a.Serde for a", spec(b -> b.serdeClassName("a.Serde")));
        refuses(
                "readCompacted, subscriptionType",
                spec(
                        b ->
                                b.consumerProperties(
                                        Map.of(
                                                "readCompacted",
                                                "true",
                                                "subscriptionType",
                                                "Shared",
                                                "receiverQueueSize",
                                                "10"))));
    }

    @Test
    void given_settings_that_change_no_message_when_opened_then_they_are_taken() {
        spec(b ->
                        b.schemaType("BYTES")
                                .receiverQueueSize(10)
                                .consumerProperties(Map.of("cryptoFailureAction", "CONSUME")))
                .accept(config);
        config.setMaxMessageRetries(0);
        assertTrue(settings().contains("\"inputs\":[\"a\"]"), settings());
    }

    private static Consumer<SinkConfig> spec(
            Function<ConsumerConfig.ConsumerConfigBuilder, ConsumerConfig.ConsumerConfigBuilder>
                    change) {
        return config ->
                config.setInputSpecs(Map.of("a", change.apply(ConsumerConfig.builder()).build()));
    }

    private static void refuses(String says, Consumer<SinkConfig> change) {
        SinkConfig config = new SinkConfig();
        change.accept(config);
        HdfsCsvException e =
                assertThrows(HdfsCsvException.class, () -> SourceSettings.check(config));
        assertEquals("config", e.kind());
        assertTrue(e.getMessage().contains(says), e.getMessage());
    }

    private String settings() {
        SinkContext context = mock(SinkContext.class);
        when(context.getTenant()).thenReturn("marketplace");
        when(context.getNamespace()).thenReturn("events");
        when(context.getSinkName()).thenReturn("cold");
        when(context.getInstanceId()).thenReturn(1);
        when(context.getNumInstances()).thenReturn(2);
        when(context.getSinkConfig()).thenReturn(config);
        return new String(Settings.of(configs, context), StandardCharsets.UTF_8);
    }
}
