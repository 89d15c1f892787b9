# azure-storage-blob as the judge: takes a list of steps as its argument, prints what each gave.
import base64
import datetime
import json
import sys

from azure.storage.blob import BlobServiceClient, generate_container_sas

given = json.loads(sys.argv[1])
account, key = given["account"], given["key"]
service = BlobServiceClient(
    given["url"], credential={"account_name": account, "account_key": key}, connection_verify=given["ca"]
)


def step(one):
    container = service.get_container_client(one["container"])
    if one["do"] == "make":
        container.create_container()
        return None
    if one["do"] == "sas":
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return generate_container_sas(
            account, one["container"], account_key=key, permission=one["permission"], expiry=until
        )
    blob = container.get_blob_client(one["key"])
    if one["do"] == "write":
        blob.upload_blob(base64.b64decode(one["base64"]), overwrite=True)
        return None
    facts = blob.get_blob_properties()
    return {
        "base64": base64.b64encode(blob.download_blob().readall()).decode(),
        "etag": facts.etag,
        "created": facts.creation_time.timestamp() * 1000,
        "modified": facts.last_modified.timestamp() * 1000,
        "metadata": facts.metadata,
        "kind": str(facts.blob_type),
        "tags": blob.get_blob_tags(),
    }


print(json.dumps([step(one) for one in given["steps"]]))
