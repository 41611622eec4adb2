package io.hdfscsv.pulsar;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * JSON to and from bytes, by trees alone: Gson's reflection fails on most of Java 17's own maps.
 */
final class Json {
    private static final double LARGEST_EXACT = 1L << 53;

    private Json() {}

    static byte[] bytes(Object value) {
        return tree(value).toString().getBytes(StandardCharsets.UTF_8);
    }

    static JsonElement parse(byte[] json) {
        return JsonParser.parseString(new String(json, StandardCharsets.UTF_8));
    }

    static Map<String, String> parseStrings(byte[] json) {
        Map<String, String> strings = new LinkedHashMap<>();
        parse(json)
                .getAsJsonObject()
                .entrySet()
                .forEach(e -> strings.put(e.getKey(), e.getValue().getAsString()));
        return strings;
    }

    static long[] parseLongs(byte[] json) {
        JsonArray array = parse(json).getAsJsonArray();
        long[] longs = new long[array.size()];
        for (int at = 0; at < longs.length; at++) {
            longs[at] = array.get(at).getAsLong();
        }
        return longs;
    }

    /** Maps, collections, numbers, booleans, null and trees; of anything else its text. */
    static JsonElement tree(Object value) {
        if (value == null) {
            return JsonNull.INSTANCE;
        }
        if (value instanceof JsonElement tree) {
            return tree;
        }
        if (value instanceof Map<?, ?> map) {
            JsonObject object = new JsonObject();
            map.forEach((key, each) -> object.add(String.valueOf(key), tree(each)));
            return object;
        }
        if (value instanceof Iterable<?> values) {
            JsonArray array = new JsonArray();
            values.forEach(each -> array.add(tree(each)));
            return array;
        }
        if (value instanceof Number number) {
            return new JsonPrimitive(whole(number));
        }
        return value instanceof Boolean flag
                ? new JsonPrimitive(flag)
                : new JsonPrimitive(value.toString());
    }

    /**
     * The functions worker passes every number of a configuration through a double: 1000 arrives as
     * 1000.0.
     */
    private static Number whole(Number number) {
        boolean whole =
                number instanceof Double value
                        && Math.rint(value) == value
                        && Math.abs(value) <= LARGEST_EXACT;
        return whole ? (Number) number.longValue() : number;
    }
}
