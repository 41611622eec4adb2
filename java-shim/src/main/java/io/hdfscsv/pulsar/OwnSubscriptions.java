package io.hdfscsv.pulsar;

import java.util.Map;
import java.util.UUID;

/**
 * The names of the subscriptions that the sink makes for itself, beside the one that the functions
 * worker makes for it.
 *
 * @param rolePrefix what each begins with, empty for nothing: a namespace whose subscription
 *     authentication mode is Prefix takes only names that begin with the role
 */
record OwnSubscriptions(String rolePrefix) {
    /** What it takes to read a topic by them. */
    static final String NEEDED_RIGHTS =
            "permission to consume from the topic; where names of subscriptions must begin with"
                    + " the role, set subscriptionRolePrefix";

    private static final String REPLAY = "hdfs-csv-replay";

    static OwnSubscriptions of(Map<String, Object> configs) {
        Object prefix = configs.get("subscriptionRolePrefix");
        return new OwnSubscriptions(prefix == null ? "" : prefix.toString());
    }

    /** That of {@code hdfs-csv replay}. */
    String ofReplay() {
        return withPrefix(REPLAY);
    }

    /** Another one at each call. */
    String ofReader() {
        return withPrefix("hdfs-csv-" + UUID.randomUUID());
    }

    private String withPrefix(String name) {
        return rolePrefix.isEmpty() ? name : rolePrefix + "-" + name;
    }
}
