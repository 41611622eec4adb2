package io.hdfscsv.pulsar;

/** What {@link SharedLibrary} offers. Public, as the MBean server wants it. */
public interface SharedLibraryMBean {
    /**
     * Gives a class the library's functions.
     *
     * @param methods another class loader's {@code NativeMethods}
     */
    void register(Class<?> methods);
}
