import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Time;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.reflect.AvroSchema;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.schema.SchemaDefinition;
import org.apache.pulsar.common.schema.KeyValue;
import org.apache.pulsar.common.schema.KeyValueEncodingType;

/**
 * Prints what the Java client's own schemas write, for src/decode/java.rs: run it with the pulsar-client jar,
 * {@code java -cp pulsar-client.jar:… PulsarBytes.java > pulsar-bytes.txt}.
 */
public class PulsarBytes {
    public enum Colour { RED, GREEN }

    public static class Inner {
        public int z = 1;
        public String a = "x";
    }

    public static class Visit {
        public boolean flag = true;
        public byte tiny = -1;
        public short small = -2;
        public int number = 3;
        public long big = Long.MIN_VALUE;
        public Long none = null;
        public float single = 0.1f;
        public double twice = Double.NaN;
        public String text = "é\"\\\n\u0000😀";
        public byte[] bytes = {-1, 0};
        public Colour colour = Colour.GREEN;
        public Inner inner = new Inner();
        public List<Integer> list = List.of(1, 2);
        public Map<String, Long> map = new TreeMap<>(Map.of("k", Long.MAX_VALUE));
        @AvroSchema(
                "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":3}")
        public BigDecimal decimal = new BigDecimal("-12.345");
    }

    public static class Moments {
        @AvroSchema(
                "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}")
        public Instant instant = Instant.ofEpochSecond(-1, 999_000_000);
        @AvroSchema("{\"type\":\"int\",\"logicalType\":\"date\"}")
        public LocalDate date = LocalDate.of(2026, 11, 24);
        @AvroSchema(
                "{\"type\":\"int\",\"logicalType\":\"time-millis\"}")
        public LocalTime time = LocalTime.of(12, 30, 15, 123_000_000);
    }

    static void print(String name, byte[] bytes) {
        System.out.println(name + " " + HexFormat.of().formatHex(bytes));
    }

    static byte[] schema(Schema<?> schema) {
        return schema.getSchemaInfo().getSchema();
    }

    public static void main(String[] args) throws Exception {
        print("STRING", Schema.STRING.encode("é,\n"));
        print("BYTES", Schema.BYTES.encode(new byte[] {-1, 0}));
        print("BOOLEAN", Schema.BOOL.encode(true));
        print("INT8", Schema.INT8.encode((byte) -2));
        print("INT16", Schema.INT16.encode((short) -300));
        print("INT32", Schema.INT32.encode(Integer.MIN_VALUE));
        print("INT64", Schema.INT64.encode(Long.MIN_VALUE + 1));
        print("FLOAT", Schema.FLOAT.encode(-0.1f));
        print("DOUBLE", Schema.DOUBLE.encode(Double.MIN_VALUE));
        print("DATE", Schema.DATE.encode(new Date(-1)));
        print("TIME", Schema.TIME.encode(new Time(45_015_123)));
        print("TIMESTAMP", Schema.TIMESTAMP.encode(new Timestamp(1_793_491_200_001L)));
        print("INSTANT", Schema.INSTANT.encode(Instant.ofEpochSecond(-1, 999_999_999)));
        print("LOCAL_DATE", Schema.LOCAL_DATE.encode(LocalDate.of(1, 1, 1)));
        print("LOCAL_TIME", Schema.LOCAL_TIME.encode(LocalTime.MAX));
        print("LOCAL_DATE_TIME", Schema.LOCAL_DATE_TIME.encode(LocalDateTime.of(9999, 12, 31, 23, 59, 59, 999_999_999)));
        Schema<Inner> inner = Schema.AVRO(Inner.class);
        print("inner-schema", schema(inner));
        KeyValue<Integer, Inner> pair = new KeyValue<>(7, new Inner());
        print("inline", Schema.KeyValue(Schema.INT32, inner, KeyValueEncodingType.INLINE).encode(pair));
        print("inline-null-value",
                Schema.KeyValue(Schema.INT32, inner, KeyValueEncodingType.INLINE).encode(new KeyValue<>(7, null)));
        print("inline-null-key",
                Schema.KeyValue(Schema.INT32, inner, KeyValueEncodingType.INLINE).encode(new KeyValue<>(null, new Inner())));
        print("separated", Schema.KeyValue(Schema.INT32, inner, KeyValueEncodingType.SEPARATED).encode(pair));
        print("separated-key", Schema.INT32.encode(7));
        Schema<Visit> json = Schema.JSON(Visit.class);
        print("json-schema", schema(json));
        print("json", json.encode(new Visit()));
        Schema<Visit> avro = Schema.AVRO(SchemaDefinition.<Visit>builder().withPojo(Visit.class)
                .withJSR310ConversionEnabled(true).build());
        print("avro-schema", schema(avro));
        print("avro", avro.encode(new Visit()));
        Schema<Moments> moments = Schema.JSON(Moments.class);
        print("moments-schema", schema(moments));
        try {
            print("moments", moments.encode(new Moments()));
        } catch (Exception e) {
            System.err.println("moments: " + e);
        }
    }
}
