package io.hdfscsv.pulsar;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.schema.KeyValueSchema;
import org.apache.pulsar.common.schema.SchemaInfo;
import org.apache.pulsar.common.schema.SchemaType;

/** A writer's schema in the form in which it is handed over. */
final class WriterSchema {
    private WriterSchema() {}

    static byte[] of(byte[] version, Schema<?> schema) {
        JsonObject json = describe(schema);
        if (schema.getSchemaInfo().getType() == SchemaType.BYTES) {
            // The client makes BYTES of a version that the broker does not know; a topic of bytes
            // has no versions
            json.addProperty("type", SchemaType.NONE.name());
        }
        json.addProperty("version", HexFormat.of().formatHex(version));
        return Json.bytes(json);
    }

    /**
     * Stands for a schema that the client cannot read; its records are bad records, for this
     * reason.
     */
    static byte[] unreadable(byte[] version, String reason) {
        return without("UNREADABLE", version, reason);
    }

    private static byte[] without(String type, byte[] version, String reason) {
        JsonObject json = new JsonObject();
        json.addProperty("type", type);
        json.addProperty("schema", reason);
        json.add("properties", new JsonObject());
        json.addProperty("version", HexFormat.of().formatHex(version));
        return Json.bytes(json);
    }

    /** Stands for the schema of encrypted messages: they are bad records. */
    static byte[] encrypted(byte[] version) {
        return without("ENCRYPTED", version, "");
    }

    /**
     * The reason, if a failure is the schema's own fault and stays; null if trying again may help.
     */
    static String whyUnreadable(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            // Avro's exceptions by name: a connector does not see its classes everywhere
            if (cause instanceof IllegalArgumentException
                    || cause instanceof UnsupportedOperationException
                    || cause.getClass().getName().contains(".avro.")) {
                return String.valueOf(cause.getMessage());
            }
        }
        return null;
    }

    private static JsonObject describe(Schema<?> schema) {
        SchemaInfo info = schema.getSchemaInfo();
        JsonObject json = new JsonObject();
        if (schema instanceof KeyValueSchema<?, ?> pair) {
            // The schema info's bytes hold both schemas, each after a binary length: no text
            json.addProperty("type", info.getType().name());
            json.addProperty("schema", "");
            json.add("properties", Json.tree(info.getProperties()));
            json.add("key", describe(pair.getKeySchema()));
            json.add("value", describe(pair.getValueSchema()));
            json.addProperty("encoding", pair.getKeyValueEncodingType().name());
        } else {
            json.addProperty("type", info.getType().name());
            json.addProperty("schema", new String(info.getSchema(), StandardCharsets.UTF_8));
            json.add("properties", Json.tree(info.getProperties()));
        }
        return json;
    }
}
