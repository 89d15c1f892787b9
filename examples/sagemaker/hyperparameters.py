"""Writes hyperparameters.yaml: 5 MB of made-up embedding tables in six ConfigMaps."""

import json
import random

TABLES = 850  # in one ConfigMap, which holds 1 MiB at most
random.seed(7)
with open("hyperparameters.yaml", "w") as out:
    for part in range(6):
        tables = {
            f"embedding.{part}.{n:04d}": [round(random.uniform(-1, 1), 4) for _ in range(118)]
            for n in range(TABLES)
        }
        lines = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in tables.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        out.write("---\napiVersion: v1\nkind: ConfigMap\n")
        out.write(f"metadata: {{ name: hyperparameters-{part}, namespace: ml }}\n")
        out.write("data:\n  tables.json: |\n")
        out.writelines(f"    {line}\n" for line in text.splitlines())
