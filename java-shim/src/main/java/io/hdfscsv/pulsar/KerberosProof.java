package io.hdfscsv.pulsar;

import java.io.IOException;
import java.security.PrivilegedActionException;
import java.security.PrivilegedExceptionAction;
import java.util.HashMap;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import javax.security.auth.login.LoginException;
import javax.security.sasl.Sasl;
import javax.security.sasl.SaslClient;
import javax.security.sasl.SaslException;

/**
 * Proves to a service who the sink is, with Java's own Kerberos: one side of SASL's GSSAPI. The
 * native library makes one for each connection to Hive's metastore, and calls it from one thread at
 * a time.
 */
final class KerberosProof {
    private static final String LOGIN_MODULE = "com.sun.security.auth.module.Krb5LoginModule";

    /** The strongest that the service offers. */
    private static final String QUALITIES = "auth-conf,auth-int,auth";

    private final Subject subject;
    private final SaslClient client;

    private KerberosProof(Subject subject, SaslClient client) {
        this.subject = subject;
        this.client = client;
    }

    /**
     * Logs in. May ask a KDC.
     *
     * @param principal who the sink is; empty for the owner of the process's ticket cache
     * @param keytab the path of a keytab with its key; empty for the ticket cache
     * @param service the first part of the service's principal
     * @param host the second
     */
    static KerberosProof begin(String principal, String keytab, String service, String host)
            throws IOException {
        try {
            LoginContext login = new LoginContext("hdfs-csv", null, null, login(principal, keytab));
            login.login();
            Subject subject = login.getSubject();
            Map<String, String> properties = Map.of(Sasl.QOP, QUALITIES);
            String[] mechanisms = {"GSSAPI"};
            SaslClient client =
                    as(
                            subject,
                            () ->
                                    Sasl.createSaslClient(
                                            mechanisms, null, service, host, properties, null));
            if (client == null) {
                throw new IOException("this JVM has no GSSAPI of SASL (module java.security.sasl)");
            }
            return new KerberosProof(subject, client);
        } catch (LoginException e) {
            throw new IOException(reasons(e), e);
        }
    }

    /** What to send for this challenge; the first one is empty. May ask a KDC. */
    byte[] answer(byte[] challenge) throws IOException {
        byte[] answer = as(subject, () -> client.evaluateChallenge(challenge));
        return answer == null ? new byte[0] : answer;
    }

    /** Whether nothing is left to be proved. */
    boolean isComplete() {
        return client.isComplete();
    }

    /** Whether what follows is wrapped. */
    boolean isWrapping() {
        return !"auth".equals(client.getNegotiatedProperty(Sasl.QOP));
    }

    /** What to send for these bytes. */
    byte[] wrap(byte[] bytes) throws SaslException {
        return client.wrap(bytes, 0, bytes.length);
    }

    /** What was sent as these bytes. */
    byte[] unwrap(byte[] bytes) throws SaslException {
        return client.unwrap(bytes, 0, bytes.length);
    }

    private static Configuration login(String principal, String keytab) {
        Map<String, String> options = new HashMap<>();
        options.put("doNotPrompt", "true");
        // krb5.conf may have been changed.
        options.put("refreshKrb5Config", "true");
        options.put("isInitiator", "true");
        if (!principal.isEmpty()) {
            options.put("principal", principal);
        }
        if (keytab.isEmpty()) {
            options.put("useTicketCache", "true");
        } else {
            options.put("useKeyTab", "true");
            options.put("keyTab", keytab);
        }
        AppConfigurationEntry entry =
                new AppConfigurationEntry(LOGIN_MODULE, LoginModuleControlFlag.REQUIRED, options);
        return new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[] {entry};
            }
        };
    }

    // What takes its place came with Java 18.
    @SuppressWarnings("removal")
    private static <T> T as(Subject subject, PrivilegedExceptionAction<T> action)
            throws IOException {
        try {
            return Subject.doAs(subject, action);
        } catch (PrivilegedActionException e) {
            throw new IOException(reasons(e.getCause()), e);
        }
    }

    /** What an exception says, and its causes: Java's Kerberos says the matter in the last. */
    private static String reasons(Throwable error) {
        StringBuilder said = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage());
            if (said.indexOf(message) < 0) {
                said.append(said.length() == 0 ? "" : ": ").append(message);
            }
        }
        return said.toString();
    }
}
