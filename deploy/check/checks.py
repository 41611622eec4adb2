"""What is wrong with the files of deploy/: names and types against schemas, and names that have to be the same in two places."""

import difflib
import functools
import importlib.util
import json
import re
import xml.etree.ElementTree as xml
from pathlib import Path

import jsonschema
import yaml
from referencing import Registry, Resource

HERE = Path(__file__).parent
DEPLOY = HERE.parent
ROOT = DEPLOY.parent

# The oldest that the Helm chart says it runs on, and the newest that kubernetes-validate has.
KUBERNETES = ["1.25.0", "1.37.0"]

# Where a schema says kubernetes:/objects, it means the definitions of a version.
SCHEMAS = [yaml.safe_load(path.read_text()) for path in sorted(HERE.glob("*.yaml"))]

# Kubernetes takes any names in a ConfigMap or Secret. Those who read these look for certain ones.
DATA = {
    "hadoop-settings": {"core-site.xml", "hdfs-site.xml", "krb5.conf"},
    "pulsar-addresses": {"brokerServiceURL", "webServiceURL"},
    "hdfs-csv-user": {"name"},
}
# Made by hand, as docs/use/kubernetes.md says.
MADE = {"hdfs-csv-keytab"}


class Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: some of YAML's parsers take the first, some the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"{key} stands twice{node.start_mark}")
        return super().construct_mapping(node, deep)


def documents(path):
    """Those of a file of the repository."""
    return list(yaml.load_all((ROOT / path).read_text(), Loader))


@functools.cache
def validators(reference):
    """Of what a reference leads to, one for each version of Kubernetes."""
    # The package's own code is not needed, nor what that imports.
    package = Path(importlib.util.find_spec("kubernetes_validate").submodule_search_locations[0])
    made = []
    for version in KUBERNETES:
        objects = json.loads((package / f"kubernetes-json-schema/v{version}-local-strict/_definitions.json").read_text())
        named = [("kubernetes:/objects", objects), *((schema["$id"], schema) for schema in SCHEMAS)]
        registry = Registry().with_resources((name, Resource.from_contents(schema)) for name, schema in named)
        made.append(jsonschema.Draft202012Validator({"$ref": reference}, registry=registry))
    return made


def against(reference, value):
    """Each problem once, with the place that it is at."""
    errors = [error for validator in validators(reference) for error in validator.iter_errors(value)]
    return sorted({f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors})


def as_object(value):
    """A ConfigMap, Secret, or Function Mesh's Sink."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "Sink":
        return against("deploy:/function-mesh-sink", value)
    if kind not in ["ConfigMap", "Secret"]:
        return [f"an object of the kind {kind}"]
    found = against(f"kubernetes:/objects#/$defs/io.k8s.api.core.v1.{kind}", value)
    if found:
        return found
    name = value.get("metadata", {}).get("name")
    data = value.get("data" if kind == "ConfigMap" else "stringData", {})
    if set(data) != DATA.get(name):
        return [f"{kind} {name} has {sorted(data)}, and what reads it looks for {sorted(DATA.get(name, []))}"]
    return []


@functools.cache
def connector_keys():
    """The keys of the sink's configs, and whether each is required: HdfsCsvSinkConfig is generated from their definition."""
    java = (ROOT / "java-shim/src/main/java/io/hdfscsv/pulsar/HdfsCsvSinkConfig.java").read_text()
    found = re.findall(r"required = (true|false),.*?public \w+ (\w+);", java, re.DOTALL)
    return {name: required == "true" for required, name in found}


def connector(configs):
    """The sink's own configs."""
    known = connector_keys()
    for key in configs:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            yield f"the connector has no key {key}" + "".join(f"; did you mean {name}?" for name in near)
    yield from (f"the connector needs {key}" for key, required in known.items() if required and key not in configs)


@functools.cache
def version():
    """The project's."""
    return re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)


def image(dockerfile):
    """The name that the comment of a file of deploy/ builds an image with, and the files that are copied into it."""
    text = (DEPLOY / dockerfile).read_text()
    copied = [line.split()[1:] for line in text.splitlines() if line.startswith("COPY ")]
    return re.search(r"--tag (\S+)", text).group(1), [to + name for *names, to in copied for name in names]


def pod(volumes, mounts, environment, config_dir):
    """A container that the sink runs in."""
    sources = {volume["name"]: volume for volume in volumes}
    for name in {mount["name"] for mount in mounts} ^ set(sources):
        yield f"{name} is not both a volume and mounted"
    for volume in volumes:
        source = volume.get("configMap", {}).get("name") or volume.get("secret", {}).get("secretName")
        if source not in {*DATA, *MADE}:
            yield f"nothing makes {source}"
    places = {mount["mountPath"]: sources.get(mount["name"], {}) for mount in mounts}
    if places.get(config_dir, {}).get("configMap", {}).get("name") != "hadoop-settings":
        yield f"Hadoop's settings are not at {config_dir}, where the sink looks for them"
    yield from (f"{mount['mountPath']} can be written" for mount in mounts if not mount.get("readOnly"))
    kerberos = {"name": "KRB5_CONFIG", "value": f"{config_dir}/krb5.conf"}
    if kerberos not in environment:
        yield f"KRB5_CONFIG is not {config_dir}/krb5.conf"


def hadoop_settings(objects):
    """deploy/hadoop-settings.yaml"""
    found = [problem for value in objects for problem in as_object(value)]
    for name in [] if found else ["core-site.xml", "hdfs-site.xml"]:
        for entry in xml.fromstring(objects[0]["data"][name]):
            if [part.tag for part in entry] != ["name", "value"]:
                found.append(f"{name} has an entry of {[part.tag for part in entry]}")
    return found


def function_mesh(objects):
    """deploy/function-mesh/sink.yaml"""
    found = [problem for value in objects for problem in as_object(value)]
    if found:
        return found
    spec, addresses = objects[0]["spec"], objects[1]["metadata"]["name"]
    found += connector(spec["sinkConfig"])
    found += pod(spec["pod"]["volumes"], spec["volumeMounts"], spec["pod"]["env"], spec["sinkConfig"].get("hdfsConfigDir"))
    tag, files = image("Dockerfile")
    if spec["image"] != tag or spec["java"]["jar"] not in files:
        found.append(f"{spec['image']} with {spec['java']['jar']} is not what deploy/Dockerfile makes: {tag} with {files}")
    if spec["pulsar"]["pulsarConfig"] != addresses:
        found.append(f"pulsarConfig is not {addresses}")
    return found


def helm(values):
    """deploy/helm/values.yaml"""
    values, = values
    found = against("deploy:/helm-values", values)
    if found:
        return found
    worker = values["function_worker"]
    variables = {**worker.get("configData", {}), **{entry["name"]: entry.get("value") for entry in worker["extraEnvs"]}}
    settings = {name.removeprefix("PF_"): value for name, value in variables.items() if name.startswith("PF_")}
    found += against("deploy:/pulsar#/$defs/worker", settings)
    sink, = documents("conf/sinks/hdfs-csv.yaml")
    found += pod(worker["extraVolumes"], worker["extraVolumeMounts"], worker["extraEnvs"], sink["configs"]["hdfsConfigDir"])
    used = values["images"]["function_worker"]
    if f"{used['repository']}:{used['tag']}" != image("Dockerfile")[0]:
        found.append(f"{used} is not what deploy/Dockerfile makes")
    return found


def worker(settings):
    """deploy/kubernetes-runtime/functions_worker.yml"""
    settings, = settings
    found = against("deploy:/pulsar#/$defs/worker", settings)
    tag, _ = image("kubernetes-runtime/Dockerfile")
    if not found and settings["functionRuntimeFactoryConfigs"].get("pulsarDockerImageName") != tag:
        found.append(f"pulsarDockerImageName is not {tag}, which deploy/kubernetes-runtime/Dockerfile makes")
    return found


def sink(settings):
    """A sink's file for pulsar-admin."""
    settings, = settings
    found = against("deploy:/pulsar#/$defs/sink", settings)
    if found:
        return found
    found += connector(settings["configs"])
    if "customRuntimeOptions" in settings:
        found += against("deploy:/pulsar#/$defs/runtimeOptions", json.loads(settings["customRuntimeOptions"]))
    for secret in settings.get("secrets", {}).values():
        if secret["key"] not in DATA.get(secret["path"], []):
            found.append(f"nothing makes the key {secret['key']} of {secret['path']}")
    return found


def runtime_sink(settings):
    """deploy/kubernetes-runtime/sink.yaml, whose pod has no volumes."""
    found = sink(settings)
    _, files = image("kubernetes-runtime/Dockerfile")
    if not found and f"{settings[0]['configs'].get('hdfsConfigDir')}/core-site.xml" not in files:
        found.append(f"Hadoop's settings are not at hdfsConfigDir: the image has {files}")
    return found


# Every file of deploy/ that something reads, and what checks it.
FILES = {
    "deploy/function-mesh/sink.yaml": function_mesh,
    "deploy/hadoop-settings.yaml": hadoop_settings,
    "deploy/helm/values.yaml": helm,
    "deploy/kubernetes-runtime/functions_worker.yml": worker,
    "deploy/kubernetes-runtime/secret.yaml": lambda objects: [problem for value in objects for problem in as_object(value)],
    "deploy/kubernetes-runtime/sink.yaml": runtime_sink,
}
