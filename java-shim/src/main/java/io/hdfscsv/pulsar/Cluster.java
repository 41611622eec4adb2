package io.hdfscsv.pulsar;

import java.lang.reflect.Field;
import org.apache.pulsar.io.core.SinkContext;

/** The Pulsar cluster that a sink runs in. */
final class Cluster {
    private Cluster() {}

    /**
     * Its name, or null where the functions worker does not say. No method of the context gives it;
     * its class (ContextImpl) keeps the instance's configuration, which has it.
     */
    static String nameOf(SinkContext context) {
        try {
            Field field = context.getClass().getDeclaredField("config");
            field.setAccessible(true);
            Object config = field.get(context);
            Object name = config.getClass().getMethod("getClusterName").invoke(config);
            return name == null || name.toString().isBlank() ? null : name.toString();
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null;
        }
    }
}
