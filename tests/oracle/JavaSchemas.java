import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;

/**
 * Prints Avro schemas at random that Avro's own parser takes, told to look at no defaults, as Pulsar's broker and client tell it;
 * and an empty-handed record of each: {@code java -cp 'classes:pulsar/lib/*' JavaSchemas COUNT}, a line of JSON for each.
 */
public class JavaSchemas {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String[] PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"};
    private static final String[] LOGICAL = {
        "date", "time-millis", "time-micros", "timestamp-millis", "timestamp-micros", "local-timestamp-millis",
        "local-timestamp-micros", "uuid", "decimal", "duration", "big-decimal", "of-my-own", ""
    };
    private static final String[] NAMES = {
        "a", "B", "c_1", "_d", "größe", "число", "色", "$e", "f$g", "x-y", "1h", "", "i j", "a.b.K", "l.m", "int", "record", "type", "error"
    };
    private static final String[] NAMESPACES = {"n", "n.o", "shop.web-front.2", "", "org.größe", "a.Outer$"};
    private static final String[] SYMBOLS = {"A", "b", "GRÜN", "_", "x-y", "1", "C_2", "$"};

    private final Random random = new Random(20_261_129);
    private final List<String> defined = new ArrayList<>();
    private int number;

    public static void main(String[] args) {
        JavaSchemas schemas = new JavaSchemas();
        int wanted = Integer.parseInt(args[0]);
        int refused = 0;
        for (int taken = 0; taken < wanted; ) {
            schemas.defined.clear();
            String text = schemas.record(0).toString();
            Schema parsed;
            try {
                parsed = new Schema.Parser().setValidateDefaults(false).parse(text);
            } catch (RuntimeException e) {
                refused++;
                continue;
            }
            ObjectNode line = JSON.createObjectNode().put("schema", text);
            try {
                line.put("payload", HexFormat.of().formatHex(schemas.encoded(parsed)));
            } catch (Exception e) {
                // No value of it: a record within itself
                line.putNull("payload");
            }
            System.out.println(line);
            taken++;
        }
        System.err.println(refused + " were refused");
    }

    private byte[] encoded(Schema schema) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<Object>(schema).write(value(schema, 0), encoder);
        encoder.flush();
        return out.toByteArray();
    }

    /** A value that every logical type bears. */
    private Object value(Schema schema, int depth) {
        if (depth > 12) {
            throw new IllegalStateException("too deep");
        }
        return switch (schema.getType()) {
            case NULL -> null;
            case BOOLEAN -> random.nextBoolean();
            case INT -> random.nextInt(80_000_000);
            case LONG -> random.nextLong(80_000_000_000L);
            case FLOAT -> random.nextFloat();
            case DOUBLE -> random.nextDouble();
            case STRING -> "text " + random.nextInt(100);
            case BYTES -> java.nio.ByteBuffer.wrap(new byte[] {2, (byte) random.nextInt(8), 0});
            case FIXED -> new GenericData.Fixed(schema, new byte[schema.getFixedSize()]);
            case ENUM -> new GenericData.EnumSymbol(schema, schema.getEnumSymbols().get(random.nextInt(schema.getEnumSymbols().size())));
            case ARRAY -> depth > 6 ? List.of() : List.of(value(schema.getElementType(), depth + 1));
            case MAP -> depth > 6 ? java.util.Map.of() : java.util.Collections.singletonMap("k", value(schema.getValueType(), depth + 1));
            case UNION -> value(schema.getTypes().get(depth > 6 ? 0 : random.nextInt(schema.getTypes().size())), depth + 1);
            case RECORD -> {
                GenericData.Record made = new GenericData.Record(schema);
                schema.getFields().forEach(field -> made.put(field.pos(), value(field.schema(), depth + 1)));
                yield made;
            }
        };
    }

    private boolean seldom() {
        return random.nextInt(12) == 0;
    }

    private <T> T one(T[] of) {
        return of[random.nextInt(of.length)];
    }

    /** Mostly a new name, which Java takes. */
    private String name() {
        return seldom() ? one(NAMES) : one(NAMES).replaceAll("[- .]|^1|^$", "_") + number++;
    }

    private ObjectNode named(String type) {
        ObjectNode made = JSON.createObjectNode().put("type", type);
        String name = name();
        made.put("name", name);
        if (random.nextInt(3) == 0) {
            made.put("namespace", one(NAMESPACES));
        }
        defined.add(made.has("namespace") && !made.get("namespace").asText().isEmpty() && !name.contains(".") ? made.get("namespace").asText() + "." + name : name);
        if (seldom()) {
            made.set("aliases", JSON.createArrayNode().add(one(NAMES)));
        }
        return made;
    }

    private ObjectNode record(int depth) {
        ObjectNode record = named(seldom() ? "error" : "record");
        ArrayNode fields = record.putArray("fields");
        for (int i = seldom() ? 0 : 1 + random.nextInt(4); i > 0; i--) {
            ObjectNode field = JSON.createObjectNode().put("name", name());
            field.set("type", type(depth + 1));
            if (random.nextInt(4) == 0) {
                field.set("default", random.nextBoolean() ? JSON.nullNode() : JSON.valueToTree(List.of(1, "x")));
            }
            if (seldom()) {
                field.put("order", "ignore").put("doc", "of a field").put("codes", 7);
            }
            fields.add(field);
        }
        return record;
    }

    private com.fasterxml.jackson.databind.JsonNode type(int depth) {
        switch (random.nextInt(depth > 3 ? 4 : 11)) {
            case 0, 1:
                return JSON.getNodeFactory().textNode(one(PRIMITIVES));
            case 2, 3:
                return logical(JSON.createObjectNode().put("type", one(PRIMITIVES)));
            case 4:
                return JSON.createObjectNode().put("type", "array").set("items", type(depth + 1));
            case 5:
                return JSON.createObjectNode().put("type", "map").set("values", type(depth + 1));
            case 6:
                ArrayNode union = JSON.createArrayNode();
                if (random.nextBoolean()) {
                    union.add("null");
                }
                for (int i = random.nextInt(4); i > 0; i--) {
                    union.add(type(depth + 1));
                }
                return union;
            case 7:
                ArrayNode symbols = JSON.createArrayNode();
                int first = random.nextInt(SYMBOLS.length);
                for (int i = random.nextInt(4); i >= 0; i--) {
                    symbols.add(SYMBOLS[(first + i) % SYMBOLS.length]);
                }
                ObjectNode constants = named("enum");
                constants.set("symbols", symbols);
                return seldom() ? constants.put("default", one(SYMBOLS)) : constants;
            case 8:
                return logical(named("fixed").put("size", random.nextInt(20)));
            case 9:
                return defined.isEmpty() ? type(depth + 1) : JSON.getNodeFactory().textNode(one(defined.toArray(String[]::new)));
            default:
                return seldom() ? JSON.createObjectNode().set("type", record(depth)) : record(depth);
        }
    }

    private ObjectNode logical(ObjectNode type) {
        if (random.nextBoolean()) {
            type.put("logicalType", one(LOGICAL));
            if (random.nextInt(3) > 0) {
                type.put("precision", random.nextInt(45));
            }
            if (random.nextBoolean()) {
                type.put("scale", random.nextInt(45) - 2);
            }
        }
        return type;
    }
}
