"""The bill of materials, as CycloneDX 1.6 defines it: what is in the archive and in the command."""

import uuid
from datetime import datetime, timezone

NAMESPACE = uuid.UUID("6f2f6f6c-9f0e-5c0b-8f0a-6c1f0e5b7a11")


def bill_of_materials(version, epoch, tools, parts):
    """`tools` are names and versions of what built it; `parts` are what was built, by name: crates, jars and runtimes."""
    components = {}
    dependencies = []
    for name, contents in parts.items():
        references = []
        for content in contents:
            reference = identity(content)
            components[reference] = component(content, reference)
            references.append(reference)
        dependencies.append({"ref": name, "dependsOn": sorted(references)})
    product = f"pkg:generic/pulsar-io-hdfs-csv@{version}"
    own = [{"type": "application", "bom-ref": name, "name": name, "version": version} for name in sorted(parts)]
    dependencies.insert(0, {"ref": product, "dependsOn": sorted(parts)})
    contents = [*own, *(components[reference] for reference in sorted(components))]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, repr((version, epoch, tools, contents)))}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {
                "components": [
                    {"type": "application", "name": name, "version": tool} for name, tool in sorted(tools.items())
                ]
            },
            "component": {
                "type": "application", "bom-ref": product, "name": "pulsar-io-hdfs-csv", "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}], "purl": product,
            },
        },
        "components": contents,
        "dependencies": dependencies,
    }


def identity(content):
    return getattr(content, "purl", None) or f"{content.name}@{content.version}"


def component(content, reference):
    found = {"type": "library", "bom-ref": reference, "name": content.name, "version": content.version}
    if hasattr(content, "group"):
        found["group"] = content.group
    if hasattr(content, "purl"):
        found["purl"] = content.purl
        found["licenses"] = [{"expression": content.licence}]
    else:
        found["licenses"] = [{"license": {"name": content.licence}}]
    checksum = getattr(content, "checksum", None) or getattr(content, "sha256", None)
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found
