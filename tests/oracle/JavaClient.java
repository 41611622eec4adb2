import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Collection;
import java.util.Currency;
import java.util.Date;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.avro.reflect.AvroName;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.schema.SchemaDefinition;
import org.apache.pulsar.common.schema.KeyValue;
import org.apache.pulsar.common.schema.KeyValueEncodingType;
import org.apache.pulsar.common.schema.SchemaInfo;
import org.apache.pulsar.common.schema.SchemaType;

/**
 * Prints what Pulsar's Java client writes of everyday classes, and what the same client reads back of it: {@code java -cp
 * 'classes:pulsar/lib/*' JavaClient}, a line of JSON for each payload; java_client.py makes the rows that are to be. A value that the
 * client itself cannot write or read has no line.
 */
public class JavaClient {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int VARIANTS = 4;

    /** Whether the value is written as JSON. */
    private static boolean isJson;

    public static void main(String[] args) throws Exception {
        for (Class<?> each : JavaClasses.class.getDeclaredClasses()) {
            if (!each.isEnum() && Modifier.isPublic(each.getModifiers())) {
                ofClass(each);
            }
        }
        primitives();
        keyValues();
    }

    private static <T> void ofClass(Class<T> type) {
        for (boolean javaTimes : new boolean[] {false, true}) {
            for (boolean nullable : new boolean[] {true, false}) {
                SchemaDefinition<T> definition = SchemaDefinition.<T>builder().withPojo(type).withAlwaysAllowNull(nullable).withJSR310ConversionEnabled(javaTimes).build();
                for (int variant = 0; variant < VARIANTS; variant++) {
                    int number = variant;
                    attempt(type.getSimpleName(), () -> Schema.AVRO(definition), () -> filled(type, number));
                    attempt(type.getSimpleName(), () -> Schema.JSON(definition), () -> filled(type, number));
                }
            }
        }
    }

    private static void primitives() {
        for (int variant = 0; variant < VARIANTS; variant++) {
            Values values = new Values(variant);
            attempt("primitive", () -> Schema.INT8, () -> values.of(Byte.class, 1));
            attempt("primitive", () -> Schema.INT16, () -> values.of(Short.class, 1));
            attempt("primitive", () -> Schema.INT32, () -> values.of(Integer.class, 1));
            attempt("primitive", () -> Schema.INT64, () -> values.of(Long.class, 1));
            attempt("primitive", () -> Schema.FLOAT, () -> values.of(Float.class, 1));
            attempt("primitive", () -> Schema.DOUBLE, () -> values.of(Double.class, 1));
            attempt("primitive", () -> Schema.BOOL, () -> values.of(Boolean.class, 1));
            attempt("primitive", () -> Schema.STRING, () -> values.of(String.class, 1));
            attempt("primitive", () -> Schema.BYTES, () -> values.of(byte[].class, 1));
            attempt("primitive", () -> Schema.INSTANT, () -> values.of(Instant.class, 1));
            attempt("primitive", () -> Schema.LOCAL_DATE, () -> values.of(LocalDate.class, 1));
            attempt("primitive", () -> Schema.LOCAL_TIME, () -> values.of(LocalTime.class, 1));
            attempt("primitive", () -> Schema.LOCAL_DATE_TIME, () -> values.of(LocalDateTime.class, 1));
        }
    }

    private static void keyValues() {
        for (int variant = 0; variant < VARIANTS; variant++) {
            int number = variant;
            for (KeyValueEncodingType encoding : KeyValueEncodingType.values()) {
                attempt("pair", () -> Schema.KeyValue(Schema.INT64, Schema.AVRO(JavaClasses.Order.class), encoding), () -> new KeyValue<>(5L, filled(JavaClasses.Order.class, number)));
                attempt("pair", () -> Schema.KeyValue(Schema.AVRO(JavaClasses.Money.class), Schema.JSON(JavaClasses.Address.class), encoding), () -> new KeyValue<>(filled(JavaClasses.Money.class, number), filled(JavaClasses.Address.class, number)));
                attempt("pair", () -> Schema.KeyValue(Schema.STRING, Schema.INT32, encoding), () -> new KeyValue<>("key " + number, number));
            }
        }
    }

    private interface Maker<T> {
        T make() throws Exception;
    }

    /** Prints a line, unless the client cannot write or read the value. */
    @SuppressWarnings("unchecked")
    private static <T> void attempt(String name, Maker<Schema<T>> maker, Maker<Object> of) {
        ObjectNode line = JSON.createObjectNode();
        try {
            Schema<T> schema = maker.make();
            T value = (T) of.make();
            SchemaInfo info = schema.getSchemaInfo();
            isJson = info.getType() == SchemaType.JSON;
            byte[] payload = schema.encode(value);
            line.put("name", name + "/" + info.getType());
            ObjectNode described = describe(info);
            line.set("schema", described);
            line.put("payload", HexFormat.of().formatHex(payload));
            if (value instanceof KeyValue<?, ?> pair) {
                keyValue(line, schema, (KeyValue<Object, Object>) pair, payload);
            } else {
                line.set("read", plain(parsed(info), schema.decode(payload)));
            }
        } catch (Throwable e) {
            System.err.println(name + ": not by this client: " + e);
            return;
        }
        System.out.println(line);
    }

    @SuppressWarnings("unchecked")
    private static void keyValue(ObjectNode line, Schema<?> schema, KeyValue<Object, Object> pair, byte[] payload) throws Exception {
        var both = (org.apache.pulsar.client.impl.schema.KeyValueSchemaImpl<Object, Object>) schema;
        ObjectNode described = (ObjectNode) line.get("schema");
        described.put("encoding", both.getKeyValueEncodingType().name());
        described.set("key", describe(both.getKeySchema().getSchemaInfo()));
        described.set("value", describe(both.getValueSchema().getSchemaInfo()));
        byte[] key = both.getKeySchema().encode(pair.getKey());
        KeyValue<Object, Object> read;
        if (both.getKeyValueEncodingType() == KeyValueEncodingType.SEPARATED) {
            line.put("key", HexFormat.of().formatHex(key));
            read = both.decode(key, payload, null);
        } else {
            read = both.decode(payload);
        }
        line.set("readKey", plain(parsed(both.getKeySchema().getSchemaInfo()), read.getKey()));
        line.set("read", plain(parsed(both.getValueSchema().getSchemaInfo()), read.getValue()));
    }

    /** As the shim's WriterSchema hands it over. */
    private static ObjectNode describe(SchemaInfo info) {
        String text = info.getType().name().equals("KEY_VALUE") ? "" : new String(info.getSchema(), StandardCharsets.UTF_8);
        return JSON.createObjectNode().put("type", info.getType().name()).put("schema", text).put("version", "");
    }

    private static org.apache.avro.Schema parsed(SchemaInfo info) {
        return switch (info.getType()) {
            case AVRO, JSON -> new org.apache.avro.Schema.Parser().setValidateDefaults(false).parse(new String(info.getSchema(), StandardCharsets.UTF_8));
            default -> null;
        };
    }

    /** A value that was read, in JSON: what JSON has no word for is an object of one member. */
    private static com.fasterxml.jackson.databind.JsonNode plain(org.apache.avro.Schema schema, Object value) throws Exception {
        if (value == null || value instanceof Optional<?> optional && optional.isEmpty()) {
            return JSON.nullNode();
        }
        if (schema != null && schema.isUnion()) {
            var branches = schema.getTypes().stream().filter(branch -> branch.getType() != org.apache.avro.Schema.Type.NULL).toList();
            if (branches.size() != 1) {
                throw new IllegalArgumentException("a union of several types: " + schema);
            }
            return plain(branches.get(0), value);
        }
        if (value instanceof Instant instant) {
            return tagged("moment", BigInteger.valueOf(instant.getEpochSecond()).multiply(BigInteger.valueOf(1_000_000_000)).add(BigInteger.valueOf(instant.getNano())).toString());
        } else if (value instanceof LocalDateTime local) {
            return plain(null, local.toInstant(ZoneOffset.UTC));
        } else if (value instanceof LocalDate day) {
            return tagged("day", day.toString());
        } else if (value instanceof LocalTime time) {
            return tagged("time", String.valueOf(time.toNanoOfDay()));
        } else if (value instanceof byte[] bytes) {
            return tagged("bytes", HexFormat.of().formatHex(bytes));
        } else if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            return plain(null, bytes);
        } else if (value instanceof Float || value instanceof Double) {
            return tagged("float", value.toString());
        } else if (value instanceof Boolean truth) {
            return JSON.getNodeFactory().booleanNode(truth);
        } else if (value instanceof Character character) {
            return JSON.getNodeFactory().numberNode((int) character);
        } else if (value instanceof Enum<?> constant) {
            // Jackson's word for it, by which a reader without the class knows it
            return JSON.getNodeFactory().textNode(isJson ? JSON.valueToTree(constant).asText() : constant.name());
        } else if (schema == null || schema.getType() == org.apache.avro.Schema.Type.STRING) {
            boolean isNumber = schema == null && value instanceof Number;
            return isNumber ? JSON.getNodeFactory().numberNode(((Number) value).longValue()) : JSON.getNodeFactory().textNode(value.toString());
        }
        switch (schema.getType()) {
            case INT, LONG:
                return JSON.getNodeFactory().numberNode(((Number) value).longValue());
            case ARRAY:
                return array(schema.getElementType(), value);
            case MAP:
                ObjectNode members = JSON.createObjectNode();
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                    members.set(entry.getKey().toString(), plain(schema.getValueType(), entry.getValue()));
                }
                return JSON.createObjectNode().set("members", members);
            case RECORD:
                if (schema.getFields().isEmpty() || isJson && isOneValue(value.getClass())) {
                    Object inner = value instanceof Optional<?> optional ? optional.get() : value;
                    return tagged("whatever", JSON.writeValueAsString(inner));
                }
                ObjectNode fields = JSON.createObjectNode();
                for (org.apache.avro.Schema.Field field : schema.getFields()) {
                    fields.set(field.name(), plain(field.schema(), member(value, field.name())));
                }
                return JSON.createObjectNode().set("members", fields);
            default:
                throw new IllegalArgumentException(schema + " of a " + value.getClass());
        }
    }

    /** Whether Jackson writes a value of this class in the place of its members. */
    private static boolean isOneValue(Class<?> type) {
        return Arrays.stream(type.getDeclaredMethods()).anyMatch(method -> method.isAnnotationPresent(JsonValue.class));
    }

    private static ObjectNode tagged(String tag, String text) {
        return JSON.createObjectNode().put(tag, text);
    }

    private static ArrayNode array(org.apache.avro.Schema items, Object value) throws Exception {
        ArrayNode all = JSON.createArrayNode();
        if (value instanceof Map<?, ?> map) {
            // Reflection makes pairs of a map whose keys are no strings
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                ObjectNode pair = JSON.createObjectNode();
                pair.set("key", plain(items.getField("key").schema(), entry.getKey()));
                pair.set("value", plain(items.getField("value").schema(), entry.getValue()));
                all.add(JSON.createObjectNode().set("members", pair));
            }
        } else if (value instanceof Collection<?> collection) {
            for (Object item : collection) {
                all.add(plain(items, item));
            }
        } else {
            for (int i = 0; i < Array.getLength(value); i++) {
                all.add(plain(items, Array.get(value, i)));
            }
        }
        return all;
    }

    /** The member that a field of the schema stands for. */
    private static Object member(Object value, String name) throws Exception {
        for (Class<?> type = value.getClass(); type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                AvroName renamed = field.getAnnotation(AvroName.class);
                if (field.getName().equals(name) || renamed != null && renamed.value().equals(name)) {
                    field.setAccessible(true);
                    return field.get(value);
                }
            }
        }
        throw new NoSuchFieldException(name);
    }

    private static Object filled(Class<?> type, int variant) throws Exception {
        return new Values(variant).object(type, 0);
    }

    /** Values by type: in each variant others, in the last one as many nulls as there can be. */
    private record Values(int variant) {
        private static final String[] TEXTS = {"", "plain", "a,b\\n\"c\" \t\u00e9\ud83d\ude00", "\\N", "NULL", "line\nand\rline", "'"};

        Object object(Class<?> type, int depth) throws Exception {
            if (type.isRecord()) {
                RecordComponent[] components = type.getRecordComponents();
                Object[] values = new Object[components.length];
                for (int i = 0; i < values.length; i++) {
                    values[i] = value(components[i].getGenericType(), variant + 1 + i, depth + 1);
                }
                return type.getDeclaredConstructors()[0].newInstance(values);
            }
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            Object made = constructor.newInstance();
            int at = variant;
            for (Class<?> each = type; each != Object.class; each = each.getSuperclass()) {
                for (Field field : each.getDeclaredFields()) {
                    if (!Modifier.isStatic(field.getModifiers()) && !Modifier.isFinal(field.getModifiers()) && !Modifier.isTransient(field.getModifiers())) {
                        field.setAccessible(true);
                        Object value = value(field.getGenericType(), ++at, depth + 1);
                        if (value != null) {
                            field.set(made, value);
                        }
                    }
                }
            }
            return made;
        }

        Object of(Type type, int at) throws Exception {
            return value(type, at + variant, 1);
        }

        private Object value(Type type, int at, int depth) throws Exception {
            boolean isPrimitive = type instanceof Class<?> c && c.isPrimitive();
            if (!isPrimitive && (depth > 4 || variant == VARIANTS - 1 && at % 2 == 1)) {
                return null;
            }
            if (type instanceof ParameterizedType of) {
                return generic(of, at, depth);
            }
            if (!(type instanceof Class<?> plain)) {
                return null;
            }
            if (plain.isArray() && plain != byte[].class) {
                Object array = Array.newInstance(plain.getComponentType(), at % 3);
                for (int i = 0; i < at % 3; i++) {
                    Array.set(array, i, value(plain.getComponentType(), 2 * (at + i), depth + 1));
                }
                return array;
            }
            if (plain.isEnum()) {
                return plain.getEnumConstants()[at % plain.getEnumConstants().length];
            }
            Object scalar = scalar(plain, at);
            return scalar != null || plain.getName().startsWith("java.") ? scalar : object(plain, depth);
        }

        private Object generic(ParameterizedType of, int at, int depth) throws Exception {
            Type[] arguments = of.getActualTypeArguments();
            Class<?> raw = (Class<?>) of.getRawType();
            if (raw == Optional.class) {
                return Optional.ofNullable(value(arguments[0], at, depth + 1));
            }
            if (Map.class.isAssignableFrom(raw)) {
                // One entry: a map of the client's own has an order of its own
                Map<Object, Object> map = raw == Map.class ? new LinkedHashMap<>() : raw == EnumMap.class ? new EnumMap(JavaClasses.Colour.class) : (Map<Object, Object>) raw.getDeclaredConstructor().newInstance();
                if (at % 3 > 0) {
                    map.put(value(arguments[0], 2 * at, depth + 1), value(arguments[1], 2 * at + 2, depth + 1));
                }
                return map;
            }
            if (!Iterable.class.isAssignableFrom(raw)) {
                return raw.getName().startsWith("java.") ? scalar(raw, at) : box(raw, arguments[0], at, depth);
            }
            if (raw == EnumSet.class) {
                return EnumSet.of(JavaClasses.Colour.values()[at % 3]);
            }
            Collection<Object> all = raw == Set.class ? new LinkedHashSet<>() : raw.isInterface() ? new ArrayList<>() : (Collection<Object>) raw.getDeclaredConstructor().newInstance();
            int count = raw == Set.class ? at % 2 : at % 3;
            for (int i = 0; i < count; i++) {
                all.add(value(arguments[0], 2 * (at + i), depth + 1));
            }
            return all;
        }

        /** A generic class of one parameter, of this type. */
        private Object box(Class<?> raw, Type type, int at, int depth) throws Exception {
            Object made = object(raw, depth);
            for (Field field : raw.getDeclaredFields()) {
                if (field.getGenericType() instanceof TypeVariable<?>) {
                    field.set(made, value(type, at, depth + 1));
                }
            }
            return made;
        }

        private static Object scalar(Class<?> type, int at) throws Exception {
            long[] longs = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 53, 1_795_509_000_123L};
            double[] doubles = {0, -0.0, 0.1, 1e-7, 1e300, Double.MIN_VALUE, -1.0 / 3, Double.NaN, Double.POSITIVE_INFINITY, 16_777_217};
            float[] floats = {0, -0.0f, 0.1f, 1e-7f, Float.MAX_VALUE, Float.MIN_VALUE, -1.0f / 3, Float.NaN, Float.NEGATIVE_INFINITY};
            long number = longs[at % longs.length];
            String text = TEXTS[at % TEXTS.length];
            LocalDateTime[] moments = {LocalDateTime.of(2026, 11, 24, 8, 30, 0, 123_000_000), LocalDateTime.of(1969, 12, 31, 23, 59, 59, 999_000_000), LocalDateTime.of(9999, 12, 31, 0, 0)};
            LocalDateTime moment = moments[at % moments.length];
            return switch (type.getSimpleName()) {
                case "boolean", "Boolean" -> at % 2 == 0;
                case "byte", "Byte" -> (byte) number;
                case "short", "Short" -> (short) number;
                case "int", "Integer", "Number" -> (int) number;
                case "long", "Long" -> number;
                case "float", "Float" -> floats[at % floats.length];
                case "double", "Double" -> doubles[at % doubles.length];
                case "char", "Character" -> (char) ('A' + at);
                case "String", "CharSequence", "Object" -> text;
                case "StringBuilder" -> new StringBuilder(text);
                case "BigDecimal" -> new BigDecimal(new String[] {"12.30", "-0.000000000000000001", "123456789012345678901234567890", "0"}[at % 4]);
                case "BigInteger" -> new BigInteger(new String[] {"0", "-1", "123456789012345678901234567890"}[at % 3]);
                case "URI" -> URI.create("http://example.org/a?b=" + at);
                case "URL" -> URI.create("http://example.org/" + at).toURL();
                case "UUID" -> new UUID(at, -at);
                case "Instant" -> moment.toInstant(ZoneOffset.UTC);
                case "LocalDateTime" -> moment;
                case "LocalDate" -> moment.toLocalDate();
                case "LocalTime" -> moment.toLocalTime();
                case "AtomicInteger" -> new AtomicInteger(at);
                case "AtomicLong" -> new AtomicLong(at);
                case "byte[]" -> new byte[][] {{}, {0, -1}, {104, 105}}[at % 3];
                case "AtomicBoolean" -> new AtomicBoolean(at % 2 == 0);
                case "OptionalInt" -> OptionalInt.of(at);
                case "Date" -> type == Date.class ? new Date(moment.toInstant(ZoneOffset.UTC).toEpochMilli()) : new java.sql.Date(moment.toInstant(ZoneOffset.UTC).toEpochMilli());
                case "Timestamp" -> new java.sql.Timestamp(moment.toInstant(ZoneOffset.UTC).toEpochMilli());
                case "Calendar" -> new Calendar.Builder().setInstant(moment.toInstant(ZoneOffset.UTC).toEpochMilli()).build();
                case "Duration" -> Duration.ofMillis(number % 1_000_000);
                case "OffsetDateTime" -> moment.atOffset(ZoneOffset.ofHours(at % 3));
                case "ZonedDateTime" -> moment.atZone(ZoneId.of("Asia/Kolkata"));
                case "Locale" -> Locale.forLanguageTag("de-AT");
                case "Currency" -> Currency.getInstance("EUR");
                case "Path" -> java.nio.file.Path.of("/a/b");
                case "Class" -> String.class;
                case "ByteBuffer" -> ByteBuffer.wrap(new byte[] {(byte) at, 1});
                default -> null;
            };
        }
    }
}
