# Stand-ins for the vendors' images that Flyte's containers run: they take what the real ones take,
# ask the emulators, and write where the real ones write. The first argument says which.
import json, os, ssl, sys, urllib.request


def asked(url, headers):
    # The emulator's certificate is signed by an authority of the testbed.
    context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=context) as answer:
        return json.load(answer)


def aws():
    """aws-secrets-manager-secret-sidecar 0.1.4: /tmp and SECRET_FILENAME, made with its folders."""
    import botocore.session

    client = botocore.session.Session().create_client("secretsmanager")
    found = client.get_secret_value(SecretId=os.environ["SECRET_ARN"])
    path = "/tmp" + os.environ["SECRET_FILENAME"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(found["SecretString"].encode() if "SecretString" in found else found["SecretBinary"])


def gcloud(secrets, versions, access, version, *flags):
    import base64

    flags = dict(flag.split("=", 1) for flag in flags)
    if "--secret" not in flags:
        # A whole name of a version, projects/… in front: the script goes on with the short one.
        sys.exit(1)
    base = f"{os.environ['GSM_ENDPOINT']}/v1/projects/{os.environ['GOOGLE_CLOUD_PROJECT']}"
    url = f"{base}/secrets/{flags['--secret']}/versions/{version}:access"
    found = asked(url, {"authorization": "Bearer testbed"})
    path = flags["--out-file"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(base64.b64decode(found["payload"]["data"]))


def az(*words):
    if words[0] == "login":
        return
    resource = "https%3A%2F%2Fvault.azure.net"
    base = os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    token = asked(
        f"{base}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}",
        {"metadata": "true"},
    )["access_token"]
    uri = words[words.index("--id") + 1].rstrip("/")
    found = asked(f"{uri}?api-version=7.4", {"authorization": f"Bearer {token}"})
    # Tab-separated values end with a line feed.
    print(found["value"])


{"aws": aws, "gcloud": gcloud, "az": az}[sys.argv[1]](*sys.argv[2:])
