package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {
    @Test
    void given_the_maps_that_pulsar_gives_when_written_then_their_kind_does_not_matter() {
        assertEquals("{}", text(Collections.emptyMap()));
        assertEquals("{\"a\":\"b\"}", text(Map.of("a", "b")));
        assertEquals(
                "{\"a\":\"b\"}",
                text(Collections.unmodifiableMap(new LinkedHashMap<>(Map.of("a", "b")))));
        assertEquals(
                "[1,2.5,true,null,\"SHARED\"]",
                text(java.util.Arrays.asList(1.0, 2.5, true, null, Kind.SHARED)));
    }

    @Test
    void given_awkward_strings_when_written_and_parsed_then_they_are_the_same() {
        Map<String, String> strings = new LinkedHashMap<>();
        for (String awkward :
                List.of(
                        "",
                        "\"",
                        "\\",
                        "\n\r\t\0",
                        "<&'>",
                        "ü€",
                        "\uD83D\uDE00",
                        "\u2028",
                        "null",
                        "1.0")) {
            strings.put(awkward, awkward);
        }
        assertEquals(strings, Json.parseStrings(Json.bytes(strings)));
    }

    private enum Kind {
        SHARED
    }

    private static String text(Object value) {
        return new String(Json.bytes(value), StandardCharsets.UTF_8);
    }
}
