"""Names the machine images of an AWS cluster by their ids, on its head before Ray starts there.

    python -m bench.cluster.images ~/ray_bootstrap_config.yaml

The cluster file names images by AWS's public parameters, which hold the newest image. A program
that starts a machine by such a name needs the right to read parameters. The user of the laptop has
it; the role that Ray gives the head lacks it, unless the cluster was prepared. That role may list
images, so this module looks the image up in the list. An image that is not found stays as it is,
with a note on standard error: it may still work.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.outside.yaml_files import read_yaml

#: How the file names an image by a parameter.
BY_PARAMETER = "resolve:ssm:"

#: What a parameter stands for: its owner and the beginning of its names. Sources: Canonical's page
#: on finding Ubuntu images on AWS, and AWS's notes on each Deep Learning AMI.
IMAGES: Mapping[str, tuple[str, str]] = {
    r"/aws/service/canonical/ubuntu/server/24\.04/stable/current/(\w+)/hvm/ebs-gp3/ami-id": (
        "099720109477",
        r"ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-\1-server-",
    ),
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id": (
        "amazon",
        "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) ",
    ),
}


def named_by_id(document: Mapping[str, Any], ec2: Any) -> list[str]:
    """Put ids in the place of parameters in the workers' types; return what was not found."""
    missing = []
    for name, declared in document["available_node_types"].items():
        image = declared["node_config"].get("ImageId", "")
        if name == document["head_node_type"] or not image.startswith(BY_PARAMETER):
            continue
        found = _newest(ec2, image.removeprefix(BY_PARAMETER))
        if found is None:
            missing.append(f"{name}: no image is known for {image}")
        else:
            declared["node_config"]["ImageId"] = found
    return missing


def _newest(ec2: Any, parameter: str) -> str | None:
    for pattern, (owner, name) in IMAGES.items():
        if match := re.fullmatch(pattern, parameter):
            names = {"Name": "name", "Values": [f"{match.expand(name)}*"]}
            usable = {"Name": "state", "Values": ["available"]}
            images = ec2.describe_images(Owners=[owner], Filters=[names, usable])["Images"]
            newest = max(images, key=lambda image: image["CreationDate"], default=None)
            return newest and newest["ImageId"]
    return None


def main(arguments: list[str]) -> int:
    """Rewrite the file; what goes wrong is said and ends nothing."""
    path = Path(os.path.expanduser(arguments[0]))
    try:
        import boto3

        document = read_yaml(path)
        ec2 = boto3.client("ec2", region_name=document["provider"]["region"])
        missing = named_by_id(document, ec2)
        path.write_text(yaml.safe_dump(document, sort_keys=False))
    except Exception as error:  # the head starts all the same
        missing = [f"{type(error).__name__}: {error}"]
    for words in missing:
        print(f"images: {words}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
