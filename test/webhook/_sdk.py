# Flyte's SDKs, as a task's author and a task use them. The first argument says which: flytekit 1 or
# flyte 2. `declare` reads secrets from standard input and prints the annotations that they become;
# `read` is the program of a container: it reads its secrets and prints what it got.
import base64, json, os, pathlib, sys

ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijklmnopqrstuvwxyz123456")


def annotation(message):
    """What Flyte's control plane makes of the SDK's message: Base32 of its text form."""
    from google.protobuf import text_format

    text = text_format.MessageToString(message).encode()
    return base64.b32encode(text).rstrip(b"=").translate(ALPHABET).decode()


def flytekit_message(group=None, key=None, version=None, mount="ANY", env_var=None):
    from flytekit import Secret

    mount = Secret.MountType[mount]
    return Secret(
        group=group, key=key, group_version=version, mount_requirement=mount, env_var=env_var
    ).to_flyte_idl()


def flyte_message(key, group=None, mount=None, env_var=None):
    from flyte import Secret
    from flyte._internal.runtime.task_serde import get_security_context

    path = None if mount is None else pathlib.Path("/etc/flyte/secrets")
    secret = Secret(key, group=group, mount=path, as_env_var=env_var)
    return get_security_context([secret]).secrets[0]


def declared(sdk, one):
    message = {"flytekit": flytekit_message, "flyte": flyte_message}[sdk](**one)
    return {
        "annotation": annotation(message),
        "group": message.group,
        "groupVersion": message.group_version,
        "key": message.key,
        "mountRequirement": message.mount_requirement,
        "envVar": message.env_var,
    }


def task_secrets():
    """Not those of a local run, which looks for more names."""
    from flytekit import current_context
    from flytekit.core.context_manager import ExecutionState, FlyteContextManager

    context = FlyteContextManager.current_context()
    state = context.new_execution_state().with_params(mode=ExecutionState.Mode.TASK_EXECUTION)
    FlyteContextManager.push_context(context.with_execution_state(state).build())
    return current_context().secrets


def read(secrets, how, **at):
    if how == "get":
        return secrets().get(**at)
    if how == "attribute":
        return getattr(getattr(secrets(), at["group"]), at["key"])
    if how == "variable":
        return os.environ[at["name"]]
    path = at["path"] if how == "file" else os.environ[at["name"]]
    return pathlib.Path(path).read_bytes()


def outcome(secrets, one):
    try:
        got = read(secrets, **one)
    except Exception as error:
        return {"error": type(error).__name__}
    as_bytes = got if isinstance(got, bytes) else got.encode("utf-8", "surrogateescape")
    return {"base64": base64.b64encode(as_bytes).decode()}


sdk, task = sys.argv[1:]
given = json.load(sys.stdin)
if task == "declare":
    json.dump([declared(sdk, one) for one in given], sys.stdout)
else:
    if sdk == "flyte":
        import flyte  # It has nothing that reads: its users have the environment and files.
    json.dump([outcome(task_secrets, one) for one in given], sys.stdout)
