package io.hdfscsv.pulsar;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.pulsar.client.api.CryptoKeyReader;
import org.apache.pulsar.client.api.EncryptionKeyInfo;

/**
 * Private keys in files, for the sink's {@code cryptoConfig}: {@code cryptoKeyReaderClassName:
 * io.hdfscsv.pulsar.KeyFiles}, and in {@code cryptoKeyReaderConfig} the path of a PEM file for each
 * key's name. Pulsar has no class of its own that a sink's configuration could name.
 */
public class KeyFiles implements CryptoKeyReader {
    private static final long serialVersionUID = 1L;

    private final HashMap<String, byte[]> keys = new HashMap<>();

    /**
     * For Pulsar.
     *
     * @param config a path by each key's name
     */
    public KeyFiles(Map<String, Object> config) {
        config.forEach((name, path) -> keys.put(name, read(name, String.valueOf(path))));
    }

    @Override
    public EncryptionKeyInfo getPublicKey(String name, Map<String, String> metadata) {
        throw new UnsupportedOperationException("A sink encrypts nothing");
    }

    /**
     * Without a key for a name that it does not know: the client says so, and takes no exception.
     */
    @Override
    public EncryptionKeyInfo getPrivateKey(String name, Map<String, String> metadata) {
        return new EncryptionKeyInfo(keys.get(name), metadata);
    }

    private static byte[] read(String name, String path) {
        try {
            return Files.readAllBytes(Path.of(path));
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "cryptoKeyReaderConfig: the private key " + name + " cannot be read: " + e, e);
        }
    }
}
