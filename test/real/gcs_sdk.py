# google-cloud-storage as the judge: takes a list of steps as its argument, prints what each gave.
import base64
import json
import sys

from google.cloud import storage
from google.oauth2.credentials import Credentials

given = json.loads(sys.argv[1])
client = storage.Client(
    project="testbed",
    credentials=Credentials("testbed"),
    client_options={"api_endpoint": given["endpoint"]},
)


def step(one):
    bucket = client.bucket(one["bucket"])
    if one["do"] == "make":
        bucket.create(location="EU")
        return None
    if one["do"] == "write":
        blob = bucket.blob(one["key"], kms_key_name=one.get("kms"))
        match = {"if_generation_match": one["match"]} if "match" in one else {}
        blob.upload_from_string(base64.b64decode(one["base64"]), "application/octet-stream", **match)
        return None
    blob = bucket.get_blob(one["key"])
    return {
        "base64": base64.b64encode(blob.download_as_bytes(checksum="crc32c")).decode(),
        "generation": str(blob.generation),
        "metadata": blob.metadata,
        "until": blob.custom_time and blob.custom_time.timestamp() * 1000,
    }


print(json.dumps([step(one) for one in given["steps"]]))
