"""Writes vectors.json. Needs confidant-client 2.7.1 and bash: python3 record.py"""
import json
import os
import subprocess

from confidant_client import formatter

PREFIX = "CREDENTIALS_"


def credential(number, pairs, metadata=None, **more):
    return {
        "id": f"id{number}", "name": f"Credential {number}", "revision": number, "enabled": True,
        "credential_keys": sorted(pairs), "credential_pairs": pairs, "metadata": metadata or {}, **more,
    }


def blind(number, pairs, metadata=None, **more):
    one = credential(number, {"us-east-1": "sealed"}, metadata, **more)
    sealed = {"cipher_type": "fernet", "cipher_version": 2, "data_key": {"us-east-1": "c2VhbGVk"}}
    return {**one, **sealed, "decrypted_credential_pairs": pairs}


def service(credentials, blind_credentials=(), **more):
    return {
        "id": "trainer", "revision": 7, "enabled": True, "account": None,
        "credentials": list(credentials), "blind_credentials": list(blind_credentials), **more,
    }


ODD = "q\"'<>&$`\\ !~*?[]{}#;|\t\r\nend\n"
SERVICES = {
    "nothing": service([]),
    "one": service([credential(1, {"api_key": "plain"})]),
    "odd values": service([credential(1, {"odd": ODD, "empty": "", "uni": "é€\U0001f600\u2028\x7f", "space": "  a  b "})]),
    "odd keys": service([credential(1, {
        "1st": "digit", "a-b": "dash", "a.b": "dot", "": "empty", "_x": "underscore", "a b": "blank", "x9": "fine",
    })]),
    "own prefixes": service(
        [credential(1, {"a": "1"}, {"env_var_prefix": "app_"}), credential(2, {"b": "2"}, {"env_var_prefix": ""})],
        [blind(3, {"C": "3"}, {"env_var_prefix": "Blind_"}), blind(4, {"d": "4"}, {"env_var_prefix": ""}), blind(5, {"e": "5"})],
    ),
    "one key twice": service(
        [credential(1, {"k": "first"}), credential(2, {"k": "second", "z": "1"})], [blind(3, {"K": "third", "z": "2", "k": "fourth"})],
    ),
    "disabled": service([credential(1, {"off": "there all the same"}, enabled=False)], [blind(2, {"b": "1"}, enabled=False)]),
    "metadata": service([credential(1, {"a": "b"}, {
        "z": {"y": [], "x": {}, "w": [1, 2.5, 1e100, -0.0, None, True, "é"]}, "a": 12345678901234567890123, "\U0001f600": 1, "\uffff": 2,
    })]),
    "sorted": service([credential(2, {"10": "x", "9": "y", "b": "1", "a": "2", "é": "3", "\uffff": "4", "\U00010000": "5"})], revision=None),
}


def variables(text):
    """What a shell has after it has read the text, beside its own."""
    script = text + "\nenv -0"
    done = subprocess.run(["bash", "-c", script], env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, check=True)
    pairs = (one.split("=", 1) for one in done.stdout.decode().split("\0") if one)
    return {name: value for name, value in pairs if name not in ("PATH", "PWD", "SHLVL", "_", "OLDPWD")}


def export(one):
    return variables(formatter.bash_export_format({"service": one}, PREFIX))


rows = []
for name, one in SERVICES.items():
    combined = formatter.combined_credential_pair_format({"service": one})
    rows.append({
        "name": name,
        "service": json.dumps(one),
        "combined": json.dumps(combined, sort_keys=True, indent=4, separators=(",", ": ")),
        "env": export(one) if name != "sorted" else None,
    })
with open("vectors.json", "w") as file:
    json.dump({"source": "confidant-client 2.7.1, bash", "prefix": PREFIX, "rows": rows}, file, indent=1)
    file.write("\n")
