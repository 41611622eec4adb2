package io.hdfscsv.pulsar;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Map;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;

/**
 * Getters of the Pulsar client's own classes, which a connector cannot name: what they give, the
 * public API gives too, but at a cost that is felt at a million messages a second. Each is null
 * where the client has no such class, method or field; then the public API is the way.
 *
 * <p>The handles are constants, because the JIT compiles only such into their callers. They are
 * found when the first object of the client has come, whose loader knows the client's classes.
 */
final class ClientGetters {
    private static ClassLoader loader;

    private ClientGetters() {}

    /** Must have been called, with any object of the client, before a getter is used. */
    static synchronized void findBy(Object first) {
        if (loader == null) {
            loader = first.getClass().getClassLoader();
        }
    }

    /** Of message ids; the public API gives these numbers only as bytes. */
    static final class Ids {
        static final Class<?> OWNER = find("org.apache.pulsar.client.api.MessageIdAdv");

        static final MethodHandle LEDGER = of("getLedgerId", long.class);
        static final MethodHandle ENTRY = of("getEntryId", long.class);
        static final MethodHandle BATCH_INDEX = of("getBatchIndex", int.class);

        private Ids() {}

        private static MethodHandle of(String name, Class<?> type) {
            return as(type, MessageId.class, getter(OWNER, name, type));
        }
    }

    /** Of messages. */
    static final class Messages {
        /** What the consumer of one topic gives. */
        static final Class<?> OWNER = find("org.apache.pulsar.client.impl.MessageImpl");

        /** What the consumer of several topics gives: such a message, wrapped. */
        static final Class<?> WRAPPER = find("org.apache.pulsar.client.impl.TopicMessageImpl");

        static final MethodHandle WRAPPED =
                as(Message.class, Message.class, getter(WRAPPER, "getMessage", Message.class));

        /**
         * Of a message that is not wrapped: what {@code getProperties} returns, if that has been
         * made, as it is from the beginning in a batch. {@code getProperties} locks to look.
         */
        static final MethodHandle PROPERTIES = as(Map.class, Message.class, properties());

        private Messages() {}

        private static MethodHandle properties() {
            if (OWNER == null) {
                return null;
            }
            try {
                return MethodHandles.privateLookupIn(OWNER, MethodHandles.lookup())
                        .findGetter(OWNER, "properties", Map.class);
            } catch (ReflectiveOperationException | RuntimeException e) {
                return null;
            }
        }
    }

    private static Class<?> find(String name) {
        try {
            return Class.forName(name, false, loader);
        } catch (ClassNotFoundException | LinkageError e) {
            return null;
        }
    }

    private static MethodHandle getter(Class<?> owner, String name, Class<?> type) {
        if (owner == null) {
            return null;
        }
        try {
            return MethodHandles.publicLookup()
                    .findVirtual(owner, name, MethodType.methodType(type));
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    private static MethodHandle as(Class<?> type, Class<?> owner, MethodHandle getter) {
        return getter == null ? null : getter.asType(MethodType.methodType(type, owner));
    }
}
