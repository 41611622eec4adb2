package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.pulsar.common.util.ObjectMapperFactory;
import org.apache.pulsar.io.core.annotations.Connector;
import org.apache.pulsar.io.core.annotations.FieldDoc;
import org.apache.pulsar.io.core.annotations.IOType;
import org.junit.jupiter.api.Test;

class ConnectorTest {
    @Test
    void given_the_service_file_when_read_then_it_and_the_annotation_name_the_same()
            throws Exception {
        Properties service = service();
        Class<?> sinkClass = Class.forName(service.getProperty("sinkClass"));
        Connector connector = sinkClass.getAnnotation(Connector.class);
        assertEquals(HdfsCsvSink.class, sinkClass);
        assertEquals("hdfs-csv", service.getProperty("name"));
        assertEquals("hdfs-csv", connector.name());
        assertEquals(IOType.SINK, connector.type());
        assertEquals(
                connector.configClass(), Class.forName(service.getProperty("sinkConfigClass")));
        assertEquals(connector.help(), service.getProperty("description"));
        assertNotNull(sinkClass.getConstructor().newInstance());
    }

    @Test
    void given_the_config_class_when_read_then_each_field_is_documented() {
        for (Field field : HdfsCsvSinkConfig.class.getDeclaredFields()) {
            FieldDoc doc = field.getAnnotation(FieldDoc.class);
            assertNotNull(doc, field.getName());
            assertTrue(doc.help().length() > 10, field.getName());
            assertTrue(Modifier.isPublic(field.getModifiers()), field.getName());
            assertEquals(field.getName().equals("directory"), doc.required(), field.getName());
        }
    }

    /** The worker converts the configs like this when its validateConnectorConfig is on. */
    @Test
    void given_lists_and_numbers_when_the_worker_converts_the_configs_then_they_fit_the_class() {
        Map<String, Object> configs =
                Map.of(
                        "directory",
                        "/events",
                        "metadataColumns",
                        List.of("_key", "_topic"),
                        "hiveMetastoreUris",
                        List.of("thrift://a:1", "thrift://b:1"),
                        "maxBatchRows",
                        7,
                        "header",
                        true);
        HdfsCsvSinkConfig config =
                ObjectMapperFactory.getMapper()
                        .getObjectMapper()
                        .convertValue(configs, HdfsCsvSinkConfig.class);
        assertEquals(List.of("_key", "_topic"), config.metadataColumns);
        assertEquals("7", config.maxBatchRows);
    }

    /** The file is flat: what YAML makes of it, the properties format makes too. */
    private static Properties service() throws IOException {
        Properties service = new Properties();
        try (InputStream in =
                HdfsCsvSink.class.getResourceAsStream("/META-INF/services/pulsar-io.yaml")) {
            service.load(in);
        }
        return service;
    }
}
