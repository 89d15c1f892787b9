# Starts one container as a node does: a root of its own over this machine's, the volumes in their
# places, this environment and nothing else. The document is the file of the first argument.
import ctypes, json, os, subprocess, sys

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2

with open(sys.argv[1]) as file:
    given = json.load(file)


def mount(*words):
    subprocess.run(["mount", *words], check=True, stdout=sys.stderr)


layer = given["layer"]
mount("-t", "tmpfs", "-o", "mode=755", "none", layer)
upper, work, root = (os.path.join(layer, name) for name in ("upper", "work", "root"))
for folder in (upper, work, root):
    os.mkdir(folder)
mount("-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "overlay", root)
for one in given["binds"]:
    at = root + one["at"]
    if not os.path.isdir(at):
        os.makedirs(at)
    mount("--rbind", one["from"], at)
    if one["readOnly"]:
        mount("-o", "remount,bind,ro", at)
os.chroot(root)
os.chdir("/")
# Files are read by their modes, also by root.
for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
    if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
        sys.exit("a capability cannot be dropped")
if given["user"] != 0:
    os.setgroups([])
    os.setgid(given["user"])
    os.setuid(given["user"])
env = {os.fsencode(name): os.fsencode(value) for name, value in given["env"]}
os.execvpe(given["argv"][0], given["argv"], env)
