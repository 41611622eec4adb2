"""`make quick` runs these, with what tool/checks.txt names."""

import copy
import unittest

import yaml

import checks
from checks import DEPLOY, FILES, ROOT, documents

# Where any name goes: labels are the user's own.
FREE = {"extraLabels"}


def places(value, path=()):
    """Every key of nested mappings and lists, as the way to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not (path and path[-1] in FREE):
                yield (*path, key)
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))


def misspelt(value, path):
    """The value with one key that has a letter too many."""
    value = copy.deepcopy(value)
    inside = value
    for step in path[:-1]:
        inside = inside[step]
    inside[f"{path[-1]}x"] = inside.pop(path[-1])
    return value


class Files(unittest.TestCase):
    def test_every_file_is_right(self):
        for path, problems in FILES.items():
            self.assertEqual(list(problems(documents(path))), [], path)

    def test_every_file_is_checked(self):
        there = {str(path.relative_to(ROOT)) for path in DEPLOY.rglob("*.y*ml") if path.parent.name != "check"}
        self.assertEqual(there, set(FILES))

    def test_any_key_that_is_misspelt_is_found(self):
        for path, problems in FILES.items():
            right = documents(path)
            for place in places(right):
                with self.subTest(file=path, key=".".join(map(str, place))):
                    self.assertNotEqual(list(problems(misspelt(right, place))), [])


class Rules(unittest.TestCase):
    def refused(self, path, change, *words):
        """The file with a change has just this one problem, which says so."""
        changed = documents(path)
        change(changed[0])
        problems = list(FILES[path](changed))
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])

    def test_keys_of_the_connector_are_those_of_its_own_class(self):
        def renamed(configs):
            configs["partitionby"] = configs.pop("partitionBy")

        for path, configs in [
            ("deploy/function-mesh/sink.yaml", lambda sink: sink["spec"]["sinkConfig"]),
            ("deploy/kubernetes-runtime/sink.yaml", lambda sink: sink["configs"]),
        ]:
            self.refused(path, lambda sink: renamed(configs(sink)), "no key partitionby; did you mean partitionBy?")
            self.refused(path, lambda sink: configs(sink).pop("directory"), "the connector needs directory")
        self.assertTrue(checks.connector_keys()["directory"])
        self.assertIn("logLevel", checks.connector_keys())
        self.assertFalse(checks.connector_keys()["hdfsConfigDir"])

    def test_what_is_of_another_type_is_refused(self):
        path = "deploy/function-mesh/sink.yaml"
        self.refused(path, lambda sink: sink["spec"].update(replicas="1"), "spec.replicas", "integer")
        self.refused(path, lambda sink: sink["spec"].update(processingGuarantee="EFFECTIVELY_ONCE"), "effectively_once")
        self.refused(path, lambda sink: sink["spec"]["pod"]["liveness"].update(successThreshold=2), "successThreshold")
        self.refused("deploy/kubernetes-runtime/sink.yaml", lambda sink: sink.update(parallelism=0), "parallelism")

    def test_settings_of_the_worker_are_checked_as_environment_variables_too(self):
        path = "deploy/helm/values.yaml"
        entry = lambda values: values["function_worker"]["extraEnvs"][0]
        self.refused(path, lambda values: entry(values).update(name="PF_functionRuntime"), "functionRuntime")
        self.refused(path, lambda values: entry(values).update(value="ProcessRuntimeFactory"), "ProcessRuntimeFactory")
        self.refused(path, lambda values: values["function_worker"]["configData"].update(PF_worker="1"), "worker")

    def test_options_in_json_are_checked_too(self):
        path, key = "deploy/kubernetes-runtime/sink.yaml", "customRuntimeOptions"
        self.refused(path, lambda sink: sink.update({key: sink[key].replace("jobName", "jobname")}), "jobname")
        self.refused(path, lambda sink: sink.update({key: sink[key].replace("cpu", "cpus")}), "cpus")

    def test_names_that_have_to_be_the_same_in_two_places_are(self):
        mesh, plain = "deploy/function-mesh/sink.yaml", "deploy/kubernetes-runtime/sink.yaml"
        worker = "deploy/kubernetes-runtime/functions_worker.yml"
        self.refused(mesh, lambda sink: sink["spec"]["volumeMounts"].pop(1), "keytab is not both")
        self.refused(mesh, lambda sink: sink["spec"]["volumeMounts"][1].pop("readOnly"), "/etc/hadoop/keytab can be written")
        volume = lambda sink: sink["spec"]["pod"]["volumes"][1]
        self.refused(mesh, lambda sink: volume(sink)["secret"].update(secretName="keytab"), "nothing makes keytab")
        self.refused(mesh, lambda sink: sink["spec"]["pod"]["env"].pop(1), "KRB5_CONFIG")
        self.refused(mesh, lambda sink: sink["spec"].update(image="apachepulsar/pulsar:4.0.8"), "deploy/Dockerfile")
        self.refused(mesh, lambda sink: sink["spec"]["pulsar"].update(pulsarConfig="pulsar"), "pulsar-addresses")
        self.refused(mesh, lambda sink: sink["spec"]["volumeMounts"][0].update(mountPath="/etc/hadoop"), "not at /etc/hadoop/conf")
        self.refused(worker, lambda own: own["functionRuntimeFactoryConfigs"].update(pulsarDockerImageName="pulsar"), "Dockerfile")
        secret = lambda sink: sink["secrets"]["HADOOP_USER_NAME"]
        self.refused(plain, lambda sink: secret(sink).update(key="user"), "nothing makes the key user")

    def test_images_and_archives_have_the_projects_version(self):
        for dockerfile in ["Dockerfile", "kubernetes-runtime/Dockerfile"]:
            tag, files = checks.image(dockerfile)
            self.assertTrue(tag.endswith(f":{checks.version()}"), tag)
            for archive in (file for file in files if file.endswith(".nar")):
                self.assertTrue(archive.endswith(f"/pulsar-io-hdfs-csv-{checks.version()}.nar"), archive)

    def test_the_sink_files_of_the_repository_are_such_as_pulsar_takes(self):
        self.assertEqual(checks.sink(documents("conf/sinks/hdfs-csv.yaml")), [])

    def test_a_key_that_stands_twice_is_refused(self):
        with self.assertRaisesRegex(ValueError, "a stands twice"):
            yaml.load("a: 1\nb: 2\na: 3\n", checks.Loader)


if __name__ == "__main__":
    unittest.main()
