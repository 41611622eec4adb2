package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.schema.SchemaDefinition;
import org.apache.pulsar.common.schema.KeyValueEncodingType;
import org.junit.jupiter.api.Test;

class WriterSchemaTest {
    private static final byte[] VERSION = {0, 0, 0, 0, 0, 0, 0, 3};
    private static final String AVRO =
            "{\"type\":\"record\",\"name\":\"Größe\",\"fields\":[{\"name\":\"a\",\"type\":\"long\"}]}";

    @Test
    void given_an_avro_schema_when_described_then_it_has_the_shape_of_the_contract() {
        Schema<Object> schema =
                Schema.AVRO(
                        SchemaDefinition.builder()
                                .withJsonDef(AVRO)
                                .withProperties(new HashMap<>(Map.of("p", "q")))
                                .build());
        JsonObject json = describe(schema);
        assertEquals("AVRO", json.get("type").getAsString());
        assertEquals(
                JsonParser.parseString(AVRO),
                JsonParser.parseString(json.get("schema").getAsString()));
        assertEquals("q", json.getAsJsonObject("properties").get("p").getAsString());
        assertEquals("0000000000000003", json.get("version").getAsString());
    }

    @Test
    void given_a_primitive_schema_when_described_then_its_type_says_all() {
        JsonObject json = describe(Schema.INSTANT);
        assertEquals("INSTANT", json.get("type").getAsString());
        assertEquals("", json.get("schema").getAsString());
    }

    @Test
    void given_a_version_that_the_broker_does_not_know_when_described_then_it_is_no_schema() {
        assertEquals("NONE", describe(Schema.BYTES).get("type").getAsString());
    }

    @Test
    void given_a_key_value_schema_when_described_then_both_parts_are_there() {
        Schema<Object> value = Schema.AVRO(SchemaDefinition.builder().withJsonDef(AVRO).build());
        JsonObject json =
                describe(Schema.KeyValue(Schema.STRING, value, KeyValueEncodingType.SEPARATED));
        assertEquals("KEY_VALUE", json.get("type").getAsString());
        assertEquals("SEPARATED", json.get("encoding").getAsString());
        assertEquals("STRING", json.getAsJsonObject("key").get("type").getAsString());
        JsonObject valueJson = json.getAsJsonObject("value");
        assertEquals("AVRO", valueJson.get("type").getAsString());
        assertTrue(valueJson.get("schema").getAsString().contains("Größe"));
    }

    @Test
    void given_failures_when_judged_then_only_the_schemas_own_faults_are_final() {
        assertEquals(
                "no PROTOBUF",
                WriterSchema.whyUnreadable(
                        new ExecutionException(new IllegalArgumentException("no PROTOBUF"))));
        assertNull(WriterSchema.whyUnreadable(new ExecutionException(new IOException("away"))));
        JsonObject json = parse(WriterSchema.unreadable(VERSION, "no PROTOBUF"));
        assertEquals("UNREADABLE", json.get("type").getAsString());
        assertEquals("no PROTOBUF", json.get("schema").getAsString());
    }

    private static JsonObject describe(Schema<?> schema) {
        return parse(WriterSchema.of(VERSION, schema));
    }

    private static JsonObject parse(byte[] json) {
        return JsonParser.parseString(new String(json, StandardCharsets.UTF_8)).getAsJsonObject();
    }
}
