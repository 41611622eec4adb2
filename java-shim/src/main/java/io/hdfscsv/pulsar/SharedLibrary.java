package io.hdfscsv.pulsar;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * A native library that a class loader of this JVM has loaded, for the class loaders that come
 * after it. They find it at the JVM's MBean server, which all of them see.
 */
final class SharedLibrary implements SharedLibraryMBean {
    private SharedLibrary() {}

    @Override
    public void register(Class<?> methods) {
        NativeMethods.register(methods);
    }

    /** One for all class loaders of this JVM, as interned strings are. */
    static Object lock() {
        return SharedLibrary.class.getName().intern();
    }

    /** Gives this class loader's native methods the library with this digest, if one is loaded. */
    static boolean use(String digest) {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        try {
            ObjectName name = name(digest);
            if (!server.isRegistered(name)) {
                return false;
            }
            server.invoke(
                    name,
                    "register",
                    new Object[] {NativeMethods.class},
                    new String[] {Class.class.getName()});
            return true;
        } catch (JMException | RuntimeException e) {
            // A copy does as well, and only takes more memory.
            return false;
        }
    }

    /** Offers the library that this class loader has loaded. */
    static void offer(String digest) {
        try {
            ManagementFactory.getPlatformMBeanServer()
                    .registerMBean(new SharedLibrary(), name(digest));
        } catch (JMException | RuntimeException e) {
            // Those that follow load a copy each.
        }
    }

    private static ObjectName name(String digest) throws JMException {
        return new ObjectName("io.hdfscsv.pulsar:type=SharedLibrary,sha256=" + digest);
    }
}
