package io.hdfscsv.pulsar;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.io.core.SinkContext;

/**
 * Getters of the Pulsar client's own classes, which a connector cannot name. What those of ids and
 * messages give, the public API gives too, but at a cost that is felt at a million messages a
 * second. Each is null where the client has no such class, method or field; then the public API is
 * the way.
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

        /** Of a batch, how many messages it has. */
        private static final MethodHandle BATCH_SIZE = of("getBatchSize", int.class);

        /** Whether no other message of its entry follows; false if the client does not say. */
        static boolean isLastOfEntry(MessageId id) {
            try {
                if (BATCH_SIZE == null || BATCH_INDEX == null || !OWNER.isInstance(id)) {
                    return false;
                }
                int index = (int) BATCH_INDEX.invokeExact(id);
                return index < 0 || index + 1 >= (int) BATCH_SIZE.invokeExact(id);
            } catch (Throwable e) {
                throw new HdfsCsvException("bug", "No batch in message id " + id + ": " + e, e);
            }
        }

        /** Of the first chunk; null for a message that did not come in chunks. */
        static final MethodHandle FIRST_CHUNK =
                as(
                        MessageId.class,
                        MessageId.class,
                        getter(OWNER, "getFirstChunkMessageId", OWNER));

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

        private static final Class<?> METADATA =
                find("org.apache.pulsar.common.api.proto.MessageMetadata");

        private static final MethodHandle WRAPPED =
                as(Message.class, Message.class, getter(WRAPPER, "getMessage", Message.class));

        /**
         * Of a message that is not wrapped: what {@code getProperties} returns, if that has been
         * made, as it is from the beginning in a batch. {@code getProperties} locks to look.
         */
        static final MethodHandle PROPERTIES = as(Map.class, Message.class, properties());

        /** Of a message that is not wrapped and came in chunks: how many there are. */
        private static final MethodHandle CHUNKS = metadata("getNumChunksFromMsg", int.class);

        private static final MethodHandle IS_CHUNK = metadata("hasChunkId", boolean.class);

        private static final MethodHandle CHUNK = metadata("getChunkId", int.class);

        private Messages() {}

        /** A message as the consumer of one topic gives it; null if the client is another one. */
        @SuppressWarnings("rawtypes")
        static Message plain(Message message) throws Throwable {
            Message plain = message;
            if (WRAPPED != null && WRAPPER.isInstance(message)) {
                plain = (Message) WRAPPED.invokeExact(plain);
            }
            return OWNER != null && OWNER.isInstance(plain) ? plain : null;
        }

        /** Of a message that came in chunks: the largest number if the client does not say. */
        static int chunks(Message<?> message) {
            try {
                Message<?> plain = plain(message);
                return CHUNKS == null || plain == null
                        ? Integer.MAX_VALUE
                        : (int) CHUNKS.invoke(plain);
            } catch (Throwable e) {
                throw new HdfsCsvException("bug", "No chunks in message " + message + ": " + e, e);
            }
        }

        /**
         * Of an entry: whether it is a chunk, and not its message's last one. False if the client
         * does not say.
         */
        static boolean isChunkBeforeLast(Message<?> entry) {
            try {
                Message<?> plain = plain(entry);
                return CHUNKS != null
                        && IS_CHUNK != null
                        && CHUNK != null
                        && plain != null
                        && (boolean) IS_CHUNK.invoke(plain)
                        && (int) CHUNK.invoke(plain) + 1 < (int) CHUNKS.invoke(plain);
            } catch (Throwable e) {
                throw new HdfsCsvException("bug", "No chunk in entry " + entry + ": " + e, e);
            }
        }

        /** Of an entry: whether it is a chunk. False if the client does not say. */
        static boolean isChunk(Message<?> entry) {
            try {
                Message<?> plain = plain(entry);
                return IS_CHUNK != null && plain != null && (boolean) IS_CHUNK.invoke(plain);
            } catch (Throwable e) {
                throw new HdfsCsvException("bug", "No chunk in entry " + entry + ": " + e, e);
            }
        }

        private static MethodHandle metadata(String name, Class<?> type) {
            MethodHandle metadata = getter(OWNER, "getMessageBuilder", METADATA);
            MethodHandle getter = getter(METADATA, name, type);
            return metadata == null || getter == null
                    ? null
                    : as(type, Message.class, MethodHandles.filterReturnValue(metadata, getter));
        }

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

    /**
     * What a client remembers of topics' schemas, for half an hour after it was last asked. The
     * public API has no way to it.
     */
    static final class Schemas {
        private Schemas() {}

        /** Whether {@link #forget} does. */
        static boolean canForget(PulsarClient client) {
            return cache(client) != null;
        }

        /**
         * Lets the client ask the broker for a topic's schemas again: they are others when the
         * topic was made anew.
         */
        static void forget(PulsarClient client, String topic) {
            Method cache = cache(client);
            if (cache == null) {
                return;
            }
            try {
                // A cache by topics' names, of a class that is not everywhere called the same
                cache.getReturnType()
                        .getMethod("invalidate", Object.class)
                        .invoke(cache.invoke(client), topic);
            } catch (ReflectiveOperationException e) {
                throw new HdfsCsvException(
                        "bug",
                        "The client's schemas of " + topic + " cannot be forgotten: " + e,
                        e);
            }
        }

        private static Method cache(PulsarClient client) {
            try {
                return client.getClass().getMethod("getSchemaProviderLoadingCache");
            } catch (NoSuchMethodException e) {
                return null;
            }
        }
    }

    /**
     * What the broker knows of the subscription that a sink's topics are read by. The public API
     * has no way to it.
     */
    static final class Subscriptions {
        private static final String LAST = "internalGetLastMessageIdAsync";

        /**
         * What the broker says of one now.
         *
         * @param acknowledged up to where everything is acknowledged; null if it does not say
         * @param last the topic's last entry; its number is negative when there is none
         */
        record State(MessageId acknowledged, MessageId last) {}

        private Subscriptions() {}

        /** The consumers of one topic or partition each that a consumer consists of. */
        static List<Consumer<?>> each(Consumer<?> consumer) {
            try {
                Object parts = consumer.getClass().getMethod("getConsumers").invoke(consumer);
                List<Consumer<?>> each = new ArrayList<>();
                ((List<?>) parts).forEach(part -> each.add((Consumer<?>) part));
                return each;
            } catch (ReflectiveOperationException e) {
                return List.of(consumer);
            }
        }

        /** Of a consumer of one topic or partition. */
        static CompletableFuture<State> state(Consumer<?> consumer) {
            try {
                Object answer = consumer.getClass().getMethod(LAST).invoke(consumer);
                return ((CompletableFuture<?>) answer)
                        .thenApply(
                                state ->
                                        new State(
                                                position(state, "markDeletePosition"),
                                                position(state, "lastMessageId")));
            } catch (NoSuchMethodException e) {
                return CompletableFuture.completedFuture(new State(null, null));
            } catch (ReflectiveOperationException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        /** Whether {@link #acknowledged} says something. */
        static boolean areKnown(SinkContext context) {
            return consumer(context) != null;
        }

        /**
         * Up to where everything is acknowledged, as the broker says now; null if that cannot be
         * known. It is behind what was committed and acknowledged just now.
         *
         * @param topic the full name of a topic or partition
         */
        static CompletableFuture<MessageId> acknowledged(SinkContext context, String topic) {
            Method getter = consumer(context);
            if (getter == null) {
                return CompletableFuture.completedFuture(null);
            }
            try {
                // A partition's name is found among the consumers like a topic's
                return state((Consumer<?>) getter.invoke(context, topic, 0))
                        .thenApply(State::acknowledged);
            } catch (ReflectiveOperationException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        /** Has the broker send all messages again that are not acknowledged. */
        static void sendAgain(SinkContext context, String topic)
                throws ReflectiveOperationException {
            Method getter = consumer(context);
            if (getter != null) {
                ((Consumer<?>) getter.invoke(context, topic, 0)).redeliverUnacknowledgedMessages();
            }
        }

        private static MessageId position(Object answer, String name) {
            try {
                Field position = answer.getClass().getDeclaredField(name);
                position.setAccessible(true);
                return (MessageId) position.get(answer);
            } catch (ReflectiveOperationException | RuntimeException e) {
                return null;
            }
        }

        private static Method consumer(SinkContext context) {
            try {
                Method getter =
                        context.getClass()
                                .getDeclaredMethod("getConsumer", String.class, int.class);
                getter.setAccessible(true);
                return getter;
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
        if (owner == null || type == null) {
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
