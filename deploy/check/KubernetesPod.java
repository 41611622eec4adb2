import io.kubernetes.client.openapi.JSON;
import java.io.File;
import java.lang.reflect.Method;
import java.util.Optional;
import org.apache.pulsar.common.io.SinkConfig;
import org.apache.pulsar.common.util.ObjectMapperFactory;
import org.apache.pulsar.functions.instance.AuthenticationConfig;
import org.apache.pulsar.functions.instance.InstanceConfig;
import org.apache.pulsar.functions.runtime.RuntimeCustomizer;
import org.apache.pulsar.functions.runtime.kubernetes.KubernetesRuntime;
import org.apache.pulsar.functions.runtime.kubernetes.KubernetesRuntimeFactory;
import org.apache.pulsar.functions.secretsproviderconfigurator.SecretsProviderConfigurator;
import org.apache.pulsar.functions.utils.SinkConfigUtils;
import org.apache.pulsar.functions.worker.WorkerConfig;

/**
 * Prints, as a line of JSON, the StatefulSet that Pulsar's Kubernetes runtime makes of a functions
 * worker's settings and a sink's file: KubernetesPod FUNCTIONS_WORKER_YML SINK_YAML, with Pulsar's
 * libraries on the class path. It asks no cluster.
 */
public class KubernetesPod {
    public static void main(String[] arguments) throws Exception {
        WorkerConfig worker = WorkerConfig.load(arguments[0]);
        worker.setPulsarFunctionsCluster("pulsar");
        Object statefulSet = made(factory(worker).createContainer(
                instance(worker, arguments[1]), "uploaded.nar", "sink.nar", null, null, 30_000L));
        System.out.println(new JSON().serialize(statefulSet));
        // The runtime has threads of its own.
        System.exit(0);
    }

    /** As a worker makes it, without a client of a cluster. */
    private static KubernetesRuntimeFactory factory(WorkerConfig worker) throws Exception {
        RuntimeCustomizer customizer =
                RuntimeCustomizer.getRuntimeCustomizer(worker.getRuntimeCustomizerClassName());
        customizer.initialize(worker.getRuntimeCustomizerConfig());
        Class<?> secrets = Class.forName(worker.getSecretsProviderConfiguratorClassName());
        KubernetesRuntimeFactory factory =
                new KubernetesRuntimeFactory() {
                    @Override
                    public void setupClient() {}
                };
        factory.initialize(
                worker,
                AuthenticationConfig.builder().build(),
                (SecretsProviderConfigurator) secrets.getDeclaredConstructor().newInstance(),
                null,
                null,
                Optional.empty(),
                Optional.of(customizer));
        return factory;
    }

    private static InstanceConfig instance(WorkerConfig worker, String file) throws Exception {
        SinkConfig sink =
                ObjectMapperFactory.getYamlMapper().reader().readValue(new File(file), SinkConfig.class);
        // What a worker finds in the archive: the sink's class, and what that takes.
        var details =
                new SinkConfigUtils.ExtractedSinkDetails("io.hdfscsv.pulsar.HdfsCsvSink", "[B", null);
        InstanceConfig instance = new InstanceConfig();
        instance.setFunctionDetails(SinkConfigUtils.convert(sink, details));
        instance.setClusterName(worker.getPulsarFunctionsCluster());
        instance.setFunctionId("id");
        instance.setFunctionVersion("1");
        instance.setMaxBufferedTuples(1024);
        instance.setMetricsPort(9094);
        return instance;
    }

    /** What it would give to Kubernetes. Its method is the package's own. */
    private static Object made(KubernetesRuntime runtime) throws Exception {
        Method method = KubernetesRuntime.class.getDeclaredMethod("createStatefulSet");
        method.setAccessible(true);
        return method.invoke(runtime);
    }
}
